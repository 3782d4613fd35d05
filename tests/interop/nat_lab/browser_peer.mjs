// A browser with the web page, for the NAT lab: each line of standard input is the name of a room to join; there it says hello and waits to be
// answered. That it is there, and what became of it, goes to standard output as two lines of JSON; or one, when it does not get there.
//
// usage: node browser_peer.mjs chromium|firefox URL AUTHORITY
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const playwright = createRequire(new URL('../../../web/package.json', import.meta.url))('playwright-core');
const [name, url, authority] = process.argv.slice(2);
const patience = 60_000;

// Each browser has a way of its own to trust the TURN server's certificate.
const launch = {
  chromium: () => playwright.chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--ignore-certificate-errors'],
  }),
  firefox: () => playwright.firefox.launch({
    channel: 'moz-firefox',
    executablePath: fileURLToPath(new URL('../../browser/firefox-trusting', import.meta.url)),
    env: { ...process.env, LINNET_FIREFOX: process.env.FIREFOX ?? '/usr/bin/firefox-esr', LINNET_AUTHORITY: authority },
  }),
};
const browser = await launch[name]();
// One page for all rooms: to make a new one takes longer than all that happens in it.
const page = await browser.newPage();
page.setDefaultTimeout(patience);
// What it knows of its paths goes with what became of it.
await page.addInitScript(() => {
  const connections = [];
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...words) { super(...words); connections.push(this); }

    async addIceCandidate(candidate) {
      // The relays last: what a browser thinks of a path that it knows by its checks alone.
      const late = candidate?.candidate?.includes('typ relay') ? 1500 : 300;
      if (location.pathname.endsWith('-late')) await new Promise((resume) => { setTimeout(resume, late); });
      return super.addIceCandidate(candidate);
    }
  };
  window.listPaths = async () => (await Promise.all(connections.map(async (connection) => {
    const stats = await connection.getStats();
    const name = ({ candidateType: type, relayProtocol: relay, address, port }) => `${type}${relay ? ` by ${relay}` : ''} ${address}:${port}`;
    return [...stats.values()].filter(({ type }) => type === 'candidate-pair').map((pair) =>
      `${pair.state}${pair.nominated ? ', nominated' : ''}: ${name(stats.get(pair.localCandidateId) ?? {})} to ${name(stats.get(pair.remoteCandidateId) ?? {})}, `
      + `${pair.requestsSent ?? '?'} requests, ${pair.responsesReceived ?? '?'} responses, asked ${pair.requestsReceived ?? '?'} times`);
  }))).flat();
});

const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

async function meet(room) {
  try {
    await page.goto(`${url}/r/${room}`);
    await page.fill('input[name=name]', 'Paige');
    await page.click('button[type=submit]');
    await page.waitForSelector('.people');
    say({ room });
    await page.waitForSelector('.people li[data-state=connected]');
    await page.fill('input[name=message]', `hello from ${room}`);
    await page.press('input[name=message]', 'Enter');
    await page.waitForSelector('.chat li.theirs');
    return { room, heard: await page.textContent('.chat li.theirs .text'), paths: await page.evaluate('listPaths()') };
  } catch (error) {
    return { room, error: String(error) };
  }
}

say({ ready: true });
for await (const room of createInterface(process.stdin)) say(await meet(room));
await browser.close();

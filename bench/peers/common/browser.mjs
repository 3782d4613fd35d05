// Runs driver.mjs in two pages of one browser. Processor time and memory are those of all of the browser's processes,
// half of it for each page.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { options_of } from './node.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const { chromium, firefox } = createRequire(join(here, '../../../web/package.json'))('playwright-core');
const args = process.argv.slice(2);
if (args[0] === '--check') process.exit(0);
const [, browser_name, ...rest] = args; // --browser NAME
const options = options_of(rest);

/** The ids of this process's descendants. */
function descendants() {
  const children = new Map();
  for (const id of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const parent = readFileSync(`/proc/${id}/stat`, 'latin1').replace(/.*\) /s, '').split(' ')[1];
      children.set(parent, [...(children.get(parent) ?? []), id]);
    } catch {
      // It ended meanwhile.
    }
  }
  const found = [];
  for (let next = [String(process.pid)]; next.length > 0; next = next.flatMap((id) => children.get(id) ?? [])) found.push(...next);
  return found.slice(1);
}
function sum(of) {
  let total = 0;
  for (const id of descendants()) {
    try {
      total += of(id);
    } catch {
      // It ended meanwhile.
    }
  }
  return total / 2;
}
const cpu = (id) => {
  const fields = readFileSync(`/proc/${id}/stat`, 'latin1').replace(/.*\) /s, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
};
const memory = (id) =>
  [...readFileSync(`/proc/${id}/smaps_rollup`, 'utf8').matchAll(/^Private_\w+:\s+(\d+) kB/gm)].reduce((all, [, kb]) => all + Number(kb), 0);

const page = `<!doctype html><meta charset="utf-8"><title>bench</title><script type="module">
import { Answerer, Offerer } from '/driver.mjs';
import { w3c } from '/w3c.mjs';
const number = async (path) => Number(await (await fetch(path)).text());
const host = {
  now: () => performance.now(),
  cpu: () => number('/cpu'),
  memory: () => number('/memory'),
  settle: () => new Promise((done) => setTimeout(done, 1000)),
};
window.start = (role, options, about) => {
  const stack = w3c({ ...about, RTCPeerConnection });
  const there = new BroadcastChannel('bench');
  const link = { send: (message) => there.postMessage({ role, message }), onmessage: () => undefined };
  there.onmessage = ({ data }) => data.role !== role && link.onmessage(data.message);
  window.end = role === 'offer' ? new Offerer(stack, link, host, options) : new Answerer(stack, link, host);
};
window.run = () => window.end.run();
window.ready = true;
</script>`;

const server = createServer((request, response) => {
  const send = (type, body) => {
    // An isolated page has the precise clock.
    response.writeHead(200, {
      'Content-Type': type,
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
      'Cache-Control': 'no-store',
    });
    response.end(body);
  };
  if (request.url === '/cpu') send('text/plain', String(sum(cpu)));
  else if (request.url === '/memory') send('text/plain', String(sum(memory)));
  else if (request.url === '/driver.mjs' || request.url === '/w3c.mjs') send('text/javascript', readFileSync(join(here, request.url)));
  else send('text/html', page);
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));

const browser =
  browser_name === 'chromium'
    ? await chromium.launch({
        executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
        args: [
          '--no-sandbox',
          '--disable-gpu',
          '--no-first-run',
          '--disable-background-networking',
          '--disable-component-update',
          '--allow-loopback-in-peer-connection',
          '--disable-features=WebRtcHideLocalIpsWithMdns',
        ],
      })
    : await firefox.launch({
        channel: 'moz-firefox',
        executablePath: process.env['FIREFOX'] ?? '/usr/bin/firefox-esr',
        firefoxUserPrefs: {
          'media.peerconnection.ice.loopback': true,
          'media.peerconnection.ice.obfuscate_host_addresses': false,
          'privacy.reduceTimerPrecision': false,
          'dom.min_background_timeout_value': 4,
          'dom.timeout.enable_budget_timer_throttling': false,
        },
      });
const about = { name: browser_name, version: `${browser.version()}, two pages of one browser` };
const result = { ...about, errors: {} };
try {
  const context = await browser.newContext();
  const pages = {};
  for (const role of ['answer', 'offer']) {
    pages[role] = await context.newPage();
    pages[role].on('pageerror', (error) => process.stderr.write(`${role}: ${error}\n`));
    await pages[role].goto(`http://127.0.0.1:${server.address().port}/`);
    await pages[role].waitForFunction(() => window.ready);
    await pages[role].evaluate(([as, given, which]) => window.start(as, given, which), [role, options, about]);
  }
  Object.assign(result, await pages.offer.evaluate(() => window.run()));
} catch (error) {
  result.errors[options.only.join()] = String(error).split('\n')[0];
}
writeFileSync(options.result, `${JSON.stringify(result)}\n`);
await Promise.race([browser.close(), new Promise((done) => setTimeout(done, 3000))]);
process.exit(0);

// Browsers that may use relayed candidates alone, over a real coturn by UDP, TCP and TLS: their own RTCPeerConnection beside
// `linnet echo`, and the page beside `linnet chat --relay-only`, with the credentials that `linnet serve` hands out.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { besidePage, type Offerer, type TestWindow } from './beside.ts';
import { Coturn, type TurnTransport } from './coturn.ts';
import { browsers, open, Program, removeFolders, serve, stopPrograms, type Opened, type Page } from './harness.ts';

declare const window: TestWindow;

const transports: TurnTransport[] = ['udp', 'tcp', 'tls'];

/** Of the selected pair, as the page's statistics have it. */
async function selectedLocal(page: Page): Promise<{ candidateType?: string; relayProtocol?: string; url?: string }> {
  return page.evaluate(async () => {
    const stats = await window.pc.getStats();
    const all = [...stats.values()] as Record<string, unknown>[];
    const chosen = all.find(({ type }) => type === 'transport')?.['selectedCandidatePairId'] ?? all.find(({ type, selected }) => type === 'candidate-pair' && selected)?.['id'];
    const pair = all.find(({ id }) => id === chosen);
    return all.find(({ id }) => id === pair?.['localCandidateId']) ?? {};
  });
}

for (const name of browsers) {
  describe(`${name} behind a relay`, { timeout: 300_000 }, () => {
    let opened: Opened;
    let coturn: Coturn;
    let url: string;

    before(async () => {
      coturn = await Coturn.start();
      ({ url } = await serve());
      opened = await open(name, { authority: coturn.authority });
    });
    after(async () => {
      await opened?.close();
      await coturn?.stop();
      await stopPrograms();
      removeFolders();
    });

    const noName = 'Firefox wants a name for TLS, which only a network namespace has';
    const cannot = (transport: TurnTransport) => name === 'Firefox' && transport === 'tls' && coturn.host === coturn.address;

    for (const transport of transports) {
      for (const offerer of ['the browser', 'linnet'] as Offerer[]) {
        test(`by ${transport}, ${offerer} offering: messages echo through the relay`, { timeout: 60_000 }, async (t) => {
          if (cannot(transport)) return t.skip(noName);
          const page = await opened.context.newPage();
          await page.goto(url);
          const configuration: RTCConfiguration = { iceServers: [coturn.iceServer(transport, name)], iceTransportPolicy: 'relay' };
          try {
            await besidePage(page, { offerer, options: [], configuration, mayVanish: name === 'Firefox' && transport !== 'udp' }, async () => {
              const same = await page.evaluate(async () => {
                const bytes = new Uint8Array(262_144);
                for (let at = 0; at < bytes.length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
                for (let round = 0; round < 8; round++) {
                  const back = await window.roundTrip(window.echo, bytes.buffer);
                  if (!(back instanceof ArrayBuffer) || back.byteLength !== bytes.length || !new Uint8Array(back).every((b, i) => b === bytes[i])) return false;
                }
                return true;
              });
              assert.ok(same);
              const local = await selectedLocal(page);
              assert.equal(local.candidateType, 'relay');
              assert.equal(local.relayProtocol, transport);
            });
          } catch (error) {
            throw new Error(`coturn's last words:\n${coturn.log().slice(-3000)}`, { cause: error });
          }
          await page.close();
        });
      }
    }

    for (const transport of transports) {
      test(`the page and \`linnet chat --relay-only\` by ${transport}, with credentials of \`linnet serve\``, { timeout: 60_000 }, async (t) => {
        if (cannot(transport)) return t.skip(noName);
        const { url: home } = await serve(['--turn-url', coturn.url(transport, name), '--turn-secret-file', coturn.secretFile]);
        const page = await opened.context.newPage();
        await page.addInitScript(() => {
          const Real = RTCPeerConnection;
          globalThis.RTCPeerConnection = class extends Real {
            constructor(configuration: RTCConfiguration = {}) {
              super({ ...configuration, iceTransportPolicy: 'relay' });
              window.pc = this;
            }
          };
        });
        const chat = new Program(['chat', 'relayed', '--name', 'Terry', '--relay-only', '--server', home, '--json'], { SSL_CERT_FILE: coturn.authority });
        await chat.event('joined');
        await page.goto(`${home}/r/relayed`);
        await page.fill('input[name=name]', 'Paige');
        await page.click('button[type=submit]');
        await page.waitForSelector('.people li[data-state=connected]');
        assert.match((await page.textContent('.people li[data-peer] .state')) ?? '', /connected, relayed/);
        await page.fill('input[name=message]', 'over two relays');
        await page.press('input[name=message]', 'Enter');
        assert.equal((await chat.event('message'))['text'], 'over two relays');
        chat.write('and back');
        await page.waitForSelector('.chat li.theirs');
        const [connected] = chat.events('connected');
        assert.equal(connected?.['path'], 'relayed', JSON.stringify(connected));
        assert.equal((await selectedLocal(page)).relayProtocol, transport);
        chat.endInput();
        assert.equal(await chat.exited, 0);
        await page.close();
      });
    }
  });
}

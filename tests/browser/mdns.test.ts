// `linnet --tune ice_mdns=on`: browsers find a program that tells random names instead of its addresses.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beside, type Offerer, type TestWindow } from './beside.ts';
import { browsers } from './harness.ts';

declare const window: TestWindow;

/** Without any candidate: who hears this does not know where the page is, so they meet only if the browser resolves our names. */
function withoutCandidates(line: string): string | undefined {
  const body = JSON.parse(line) as { description?: RTCSessionDescriptionInit; candidate?: unknown };
  if (!body.description) return undefined;
  const sdp = body.description.sdp!.replace(/^a=candidate:.*\r\n/gm, '');
  return JSON.stringify({ description: { ...body.description, sdp } });
}

for (const name of browsers) {
  for (const offerer of ['the browser', 'linnet'] satisfies Offerer[]) {
    test(`${name}, ${offerer} offering: the browser resolves the program's names`, { timeout: 90_000 }, async () => {
      const options = ['--tune', 'ice_mdns=on', '--tune', 'ice_tcp=off'];
      await beside({ name, offerer, options, translate: withoutCandidates }, async (page) => {
        assert.equal(await page.evaluate(() => window.roundTrip(window.echo, 'here')), 'here');
        const told = await page.evaluate(() => [...window.pc.remoteDescription!.sdp.matchAll(/^a=candidate:.*/gm)].map(([line]) => line));
        assert.ok(told.length > 0);
        for (const line of told) assert.match(line, /^a=candidate:\S+ 1 udp \d+ [0-9a-f-]{36}\.local \d+ typ host/);
      });
    });
  }
}

// The web page in a real browser, the real server, and `linnet` in a terminal: chat and files, both ways.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { browsers, eventually, fileOfSize, folder, hash, open, Program, randomFile, removeFolders, screenshots, serve, stopPrograms, type Opened, type Page } from './harness.ts';

const bigFile = 100_000_000;

for (const name of browsers) {
  describe(`${name}: the page`, { timeout: 300_000 }, () => {
    let opened: Opened;
    let server: Program;
    let url: string;

    before(async () => {
      ({ server, url } = await serve());
      opened = await open(name);
      mkdirSync(screenshots, { recursive: true });
    });
    after(async () => {
      await opened?.close();
      await stopPrograms();
      removeFolders();
    });

    async function join_(room: string, who: string): Promise<Page> {
      const page = await opened.context.newPage();
      await page.goto(`${url}/r/${room}`);
      await page.fill('input[name=name]', who);
      await page.click('button[type=submit]');
      await page.waitForSelector('.room');
      return page;
    }
    const mayTakeFiles = (page: Page) => eventually(async () => (await page.locator('.chat li.note').count()) > 0, 'an open chat');
    /** Gathers every value that a progress bar of the page shows from now on; the function it gives reads them. */
    async function watchProgress(page: Page): Promise<() => Promise<{ value: number; max: number }[]>> {
      await page.evaluate(() => {
        const seen: { value: number; max: number }[] = [];
        (window as unknown as { progress: typeof seen }).progress = seen;
        new MutationObserver(() => {
          for (const { value, max } of document.querySelectorAll<HTMLProgressElement>('.files progress')) seen.push({ value, max });
        }).observe(document.querySelector('.files')!, { attributes: true, childList: true, subtree: true });
      });
      return () => page.evaluate(() => (window as unknown as { progress: { value: number; max: number }[] }).progress);
    }
    const connected = (page: Page) => page.waitForSelector('.people li[data-state=connected]');

    test('a terminal that is there first, and a page that joins: text goes both ways', async () => {
      const chat = new Program(['chat', 'first', '--name', 'Terry', '--server', url, '--json']);
      await chat.event('joined');
      const page = await join_('first', 'Paige');
      await connected(page);
      assert.match((await page.textContent('.people li[data-peer] .state')) ?? '', /connected, direct/);
      await page.fill('input[name=message]', 'hello from <b>the page</b> \u{1f426}');
      await page.press('input[name=message]', 'Enter');
      const heard = await chat.event('message');
      assert.equal(heard['text'], 'hello from <b>the page</b> \u{1f426}');
      assert.equal(heard['name'], 'Paige');
      chat.write('hello from <i>the terminal</i>');
      await page.waitForSelector('.chat li.theirs');
      assert.equal(await page.textContent('.chat li.theirs .text'), 'hello from <i>the terminal</i>');
      assert.equal(await page.textContent('.chat li.theirs .name'), 'Terry');
      await page.screenshot({ path: join(screenshots, `page-${name.toLowerCase()}.png`) });
      chat.endInput();
      assert.equal(await chat.exited, 0);
      await page.waitForSelector('.people li[data-peer]', { state: 'detached' });
      await page.close();
    });

    test('a page that is there first, and a terminal that joins: text goes both ways', async () => {
      const page = await join_('second', 'Paige');
      const chat = new Program(['chat', 'second', '--name', 'Terry', '--server', url, '--json']);
      await connected(page);
      await chat.event('connected');
      chat.write('hi');
      await page.waitForSelector('.chat li.theirs');
      await page.fill('input[name=message]', 'hi yourself');
      await page.press('input[name=message]', 'Enter');
      await chat.event('message', (event) => event['text'] === 'hi yourself');
      await page.close();
      await chat.event('gone');
      await chat.stop();
    });

    test('the page sends 100 MB to `linnet recv`', async () => {
      const [from, to] = [folder(), folder()];
      randomFile(join(from, 'big file.bin'), bigFile);
      const page = await join_('upload', 'Paige');
      const recv = new Program(['recv', 'upload', '--out', to, '--server', url, '--json']);
      await connected(page);
      await mayTakeFiles(page);
      const progress = await watchProgress(page);
      await page.setInputFiles('input[type=file]', join(from, 'big file.bin'));
      await recv.event('progress', (event) => Number(event['bytes']) > 0 && Number(event['bytes']) < bigFile, 60_000);
      assert.equal(await recv.exited, 0, recv.errors.join('\n'));
      assert.equal(await hash(join(to, 'big file.bin')), await hash(join(from, 'big file.bin')));
      await page.waitForSelector('.files li[data-state=done]');
      const values = await progress();
      assert.ok(values.some(({ value, max }) => max === bigFile && value > 0 && value < bigFile), 'the bar was somewhere in between');
      assert.ok(values.every(({ value }, i) => i === 0 || value >= values[i - 1]!.value), 'the bar never went back');
      assert.equal(values.at(-1)!.value, bigFile);
      await page.close();
    });

    test('two files that are dropped at once arrive at `linnet recv`, one after the other', async () => {
      const to = folder();
      const page = await join_('drop', 'Paige');
      const recv = new Program(['recv', 'drop', '--out', to, '--server', url, '--json']);
      await connected(page);
      await mayTakeFiles(page);
      const progress = await watchProgress(page);
      const sizes = { 'one.bin': 20_000_000, 'two \u00e4.bin': 1_234_567 };
      const hashes = await page.evaluate(async (wanted) => {
        const dragged = new DataTransfer();
        const sums: Record<string, string> = {};
        for (const [name, size] of Object.entries(wanted)) {
          const content = new Uint8Array(size);
          for (let i = 0; i < size; i += 65_536) crypto.getRandomValues(content.subarray(i, i + 65_536));
          const sum = new Uint8Array(await crypto.subtle.digest('SHA-256', content));
          sums[name] = [...sum].map((byte) => byte.toString(16).padStart(2, '0')).join('');
          dragged.items.add(new File([content], name));
        }
        const room = document.querySelector('.room')!;
        for (const type of ['dragover', 'drop']) room.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: dragged }));
        return sums;
      }, sizes);
      await page.waitForSelector('.files li[data-state=waiting][data-file^="two"]');
      assert.equal(await recv.exited, 0, recv.errors.join('\n'));
      for (const [file, sum] of Object.entries(hashes)) assert.equal(await hash(join(to, file)), sum, file);
      await eventually(async () => (await page.locator('.files li[data-state=done]').count()) === 2, 'both files done');
      assert.ok((await progress()).some(({ value, max }) => value > 0 && value < max), 'a bar was somewhere in between');
      await page.close();
    });

    test('`linnet send` gives 100 MB to the page', async () => {
      const from = folder();
      randomFile(join(from, 'gift.bin'), bigFile);
      const send = new Program(['send', join(from, 'gift.bin'), '--server', url, '--json']);
      const { code } = await send.event('waiting');
      const page = await join_(String(code), 'Paige');
      await page.waitForSelector('.files li[data-file="gift.bin"] button');
      const download = name === 'Chromium' ? page.waitForEvent('download', { timeout: 120_000 }) : undefined;
      await page.click('.files li[data-file="gift.bin"] button');
      await page.waitForSelector('.files li[data-state=done]', { timeout: 120_000 });
      assert.equal(await send.exited, 0, send.errors.join('\n'));
      const saved = download ? await (await download).path() : await eventually(() => fileOfSize(opened.downloads, 'gift.bin', bigFile), 'the download');
      assert.equal(await hash(saved), await hash(join(from, 'gift.bin')));
      await page.close();
    });

    test('a declined file ends `linnet send` with 2', async () => {
      const from = folder();
      writeFileSync(join(from, 'no.txt'), 'no');
      const send = new Program(['send', join(from, 'no.txt'), '--server', url, '--json']);
      const { code } = await send.event('waiting');
      const page = await join_(String(code), 'Paige');
      await page.click('.files li[data-file="no.txt"] button:nth-of-type(2)');
      assert.equal(await send.exited, 2);
      await page.close();
    });

    test('two pages meet, and the shortcuts work', async () => {
      const [one, two] = [await join_('pages', 'One'), await join_('pages', 'Two')];
      await connected(one);
      await connected(two);
      await one.bringToFront();
      await one.click('h1');
      await one.keyboard.press('c');
      await one.keyboard.type('cu');
      await one.keyboard.press('Enter');
      await two.waitForSelector('.chat li.theirs');
      assert.equal(await two.textContent('.chat li.theirs .text'), 'cu');
      await one.click('h1');
      await one.keyboard.press('?');
      await one.waitForSelector('.help');
      await one.keyboard.press('Escape');
      await one.waitForSelector('.help', { state: 'hidden' });
      // Switched off in the help, remembered, and switched on again from the button.
      await one.keyboard.press('?');
      await one.uncheck('.help input[name=shortcuts]');
      await one.keyboard.press('Escape');
      await one.keyboard.press('?');
      assert.equal(await one.locator('.help[open]').count(), 0);
      await one.click('header button:has-text("?")');
      assert.equal(await one.isChecked('.help input[name=shortcuts]'), false);
      await one.check('.help input[name=shortcuts]');
      await one.click('.help button');
      await one.waitForSelector('.help', { state: 'hidden' });
      await one.close();
      await two.waitForSelector('.people li[data-peer]', { state: 'detached' });
      await two.close();
    });

    test('the help follows the last key, however fast they come', async () => {
      const page = await join_('keys', 'Quick');
      await page.click('h1');
      const open = () => page.locator('.help[open]').count();
      // All in one task of the page, where nothing that a browser only queues has its turn.
      const states = await page.evaluate((keys) => {
        const help = document.querySelector<HTMLDialogElement>('.help')!;
        return keys.map((key) => {
          (document.activeElement ?? document.body).dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
          return help.open;
        });
      }, ['?', 'Escape', '?', '?', 'Escape', 'Escape', '?']);
      assert.deepEqual(states, [true, false, true, true, false, false, true]);
      await new Promise((wake) => setTimeout(wake, 100));
      assert.equal(await open(), 1, 'what the browser had queued changed nothing');
      // And keys as a person presses them, the next before the last has shown.
      for (let i = 0; i < 10; ++i) {
        await Promise.all([page.keyboard.press('Escape'), page.keyboard.press('?')]);
        assert.equal(await open(), 1, 'open after Esc and ?');
        await Promise.all([page.keyboard.press('Escape'), page.keyboard.press('?'), page.keyboard.press('Escape')]);
        assert.equal(await open(), 0, 'closed after Esc, ? and Esc');
        await page.keyboard.press('?');
      }
      await page.close();
    });

    test('a bad room name and a server that went away are said in words', async () => {
      const page = await opened.context.newPage();
      await page.goto(`${url}/`);
      await page.fill('input[name=name]', 'Paige');
      await page.fill('input[name=room]', '../etc');
      await page.click('button[type=submit]');
      assert.match((await page.textContent('.error')) ?? '', /room name/);
      await page.fill('input[name=room]', 'fine');
      assert.equal(await server.stop('SIGINT'), 0, 'a clean stop');
      await page.click('button[type=submit]');
      await eventually(async () => /Could not join/.test((await page.textContent('.error')) ?? ''), 'the complaint');
      await page.close();
    });
  });
}

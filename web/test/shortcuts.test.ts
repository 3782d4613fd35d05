import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { listen, ShortcutSwitch } from '../src/app/shortcuts.ts';

/** What shortcuts.ts needs of a page: key events, the element they come from, and a store. */
const page = Object.assign(new EventTarget(), { typing: false, matches: () => page.typing, querySelector: () => null });
const store = new Map<string, string>();
Object.assign(globalThis, {
  document: page,
  localStorage: { getItem: (key: string) => store.get(key) ?? null, setItem: (key: string, value: string) => store.set(key, value) },
});

function press(key: string, more: object = {}) {
  page.dispatchEvent(Object.assign(new Event('keydown', { cancelable: true }), { key }, more));
}

beforeEach(() => {
  store.clear();
  page.typing = false;
});

test('a key calls its action, but not while typing, composing or with a modifier', () => {
  let calls = 0;
  const stop = listen({ c: () => calls++ }, { on: true });
  press('c');
  press('C');
  assert.equal(calls, 2);
  for (const more of [{ ctrlKey: true }, { metaKey: true }, { altKey: true }, { isComposing: true }, { repeat: true }]) press('c', more);
  page.typing = true;
  press('c');
  assert.equal(calls, 2);
  page.typing = false;
  stop();
  press('c');
  assert.equal(calls, 2);
});

test('switched off, single characters do nothing and named keys still act', () => {
  const calls: string[] = [];
  const allowed = new ShortcutSwitch();
  const stop = listen({ c: () => calls.push('c'), '?': () => calls.push('?'), Escape: () => calls.push('Escape') }, allowed);
  allowed.on = false;
  for (const key of ['c', '?', 'Escape']) press(key);
  assert.deepEqual(calls, ['Escape']);
  allowed.on = true;
  press('c');
  assert.deepEqual(calls, ['Escape', 'c']);
  stop();
});

test('the switch is on at first and remembered', () => {
  const first = new ShortcutSwitch();
  assert.equal(first.on, true);
  first.on = false;
  assert.equal(new ShortcutSwitch().on, false);
  first.on = true;
  assert.equal(new ShortcutSwitch().on, true);
});

test('without a store the switch lasts as long as the page', () => {
  const broken = () => {
    throw new Error('no storage here');
  };
  const { localStorage: whole } = globalThis;
  Object.assign(globalThis, { localStorage: { getItem: broken, setItem: broken } });
  const lasting = new ShortcutSwitch();
  assert.equal(lasting.on, true);
  lasting.on = false;
  assert.equal(lasting.on, false);
  Object.assign(globalThis, { localStorage: whole });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes, duration, isRoomName, shortName } from '../src/app/format.ts';

test('names are cut to what the protocol takes, between characters', () => {
  assert.equal(shortName('Ann\u0007 B\u007f'), 'Ann B');
  assert.equal(shortName('x'.repeat(70)), 'x'.repeat(64));
  assert.equal(shortName('\u{1f426}'.repeat(40)), '\u{1f426}'.repeat(16));
  assert.equal(shortName(`x${'\u2603'.repeat(30)}`), `x${'\u2603'.repeat(21)}`);
});

test('sizes and times are written for people', () => {
  assert.deepEqual([0, 999, 1000, 1_234_567, 5e15].map(bytes), ['0 B', '999 B', '1.0 kB', '1.2 MB', '5000.0 TB']);
  assert.deepEqual([0, 75, 3600, -1].map(duration), ['0:00', '1:15', '1:00:00', '0:00']);
});

test('room names follow the rule for ids', () => {
  for (const good of ['a', 'lobby', 'a b.c-d_e', 'x'.repeat(64)]) assert.ok(isRoomName(good), good);
  for (const bad of ['', '-', 'a/b', 'a ', '\u00e4', 'x'.repeat(65)]) assert.ok(!isRoomName(bad), bad);
});

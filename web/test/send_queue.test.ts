import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SendQueue } from '../src/sdk/send_queue.ts';
import type { FileChannel, SendTransfer } from '../src/sdk/transfer.ts';

/** Keeps what was sent; the test answers. */
class Line {
  readyState = 'open';
  binaryType = 'blob';
  bufferedAmount = 0;
  bufferedAmountLowThreshold = 0;
  sent: unknown[] = [];
  onclose: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;

  send(data: unknown): void {
    this.sent.push(data);
  }
  close(): void {
    this.readyState = 'closed';
  }
  says(message: object): void {
    this.onmessage!({ data: JSON.stringify(message) });
  }
  get offer(): Record<string, unknown> {
    return JSON.parse(String(this.sent[0])) as Record<string, unknown>;
  }
}

function setUp() {
  const lines: Line[] = [];
  const queue = new SendQueue((transfer) => {
    const line = new Line();
    lines.push(line);
    transfer.start(line as unknown as FileChannel, 0);
  });
  const add = (...names: string[]) => queue.add(names.map((name) => new File([name], name)));
  return { lines, queue, add };
}
const states = (transfers: SendTransfer[]) => transfers.map((transfer) => transfer.state);
const until = async (met: () => boolean) => {
  while (!met()) await new Promise((wake) => setTimeout(wake, 1));
};

test('the next file starts when the one before was received, and its offer says which of how many it is', async () => {
  const { lines, add } = setUp();
  const files = add('a', 'b', 'c');
  for (const [i, file] of files.entries()) {
    assert.equal(lines.length, i + 1, 'one channel at a time');
    const { name, index, count } = lines[i]!.offer;
    assert.deepEqual({ name, index, count }, { name: 'abc'[i], index: i, count: 3 });
    lines[i]!.says({ type: 'accept', offset: 0 });
    await until(() => file.state === 'verifying');
    assert.equal(lines.length, i + 1, 'not before it is through');
    lines[i]!.says({ type: 'received' });
  }
  assert.equal(lines.length, 3);
  assert.deepEqual(states(files), ['done', 'done', 'done']);
});

test('a file that is refused, fails or is cancelled makes way for the next', () => {
  const { lines, add } = setUp();
  const files = add('a', 'b', 'c', 'd');
  lines[0]!.says({ type: 'refuse', reason: 'no' });
  lines[1]!.says({ type: 'error', reason: 'disk full' });
  lines[2]!.onclose!();
  assert.deepEqual(states(files), ['refused', 'failed', 'failed', 'waiting']);
  assert.equal(lines[3]!.offer['name'], 'd');
  files[3]!.cancel();
  assert.equal(lines.length, 4);
});

test('a waiting file that is cancelled is never offered', () => {
  const { lines, add } = setUp();
  const files = add('a', 'b', 'c');
  files[1]!.cancel();
  assert.equal(files[1]!.state, 'failed');
  lines[0]!.says({ type: 'refuse' });
  assert.deepEqual(lines.map((line) => line.offer['name']), ['a', 'c']);
});

test('a single file is not counted, and files that come later wait for the earlier ones', () => {
  const { lines, add } = setUp();
  add('a');
  add('b', 'c');
  assert.equal('index' in lines[0]!.offer || 'count' in lines[0]!.offer, false);
  assert.equal(lines.length, 1);
  lines[0]!.says({ type: 'refuse' });
  assert.equal(lines[1]!.offer['index'], 0);
  assert.equal(lines[1]!.offer['count'], 2);
});

test('a lost connection fails what is under way and what waits, and opens nothing', () => {
  const { lines, queue, add } = setUp();
  const files = add('a', 'b', 'c');
  queue.lost();
  assert.deepEqual(states(files), ['failed', 'failed', 'failed']);
  assert.equal(lines.length, 1);
});

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { ReceiveTransfer, safeName, SendTransfer, type FileChannel } from '../src/sdk/transfer.ts';

/** Two ends of a reliable, ordered channel that deliver on the next turn of the event loop. */
class FakeChannel {
  readyState: RTCDataChannelState = 'open';
  binaryType: BinaryType = 'blob';
  bufferedAmount = 0;
  bufferedAmountLowThreshold = 0;
  onopen = null;
  onclose: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onbufferedamountlow: (() => void) | null = null;
  other!: FakeChannel;
  tamper = (data: unknown): unknown => data;
  mostBuffered = 0;

  send(data: string | ArrayBuffer): void {
    const size = typeof data === 'string' ? data.length : data.byteLength;
    this.bufferedAmount += size;
    this.mostBuffered = Math.max(this.mostBuffered, this.bufferedAmount);
    setImmediate(() => {
      const before = this.bufferedAmount;
      this.bufferedAmount -= size;
      this.other.onmessage?.({ data: this.tamper(data) });
      if (before > this.bufferedAmountLowThreshold && this.bufferedAmount <= this.bufferedAmountLowThreshold) this.onbufferedamountlow?.();
    });
  }
  close(): void {
    for (const end of [this, this.other]) {
      if (end.readyState === 'closed') continue;
      end.readyState = 'closed';
      setImmediate(() => end.onclose?.());
    }
  }
}

function pair(): [FakeChannel, FakeChannel] {
  const [a, b] = [new FakeChannel(), new FakeChannel()];
  [a.other, b.other] = [b, a];
  return [a, b];
}
const as = (channel: FakeChannel) => channel as unknown as FileChannel;
const send = (channel: FakeChannel, file: File, maxMessageSize = 0) => {
  const sender = new SendTransfer(file);
  sender.start(as(channel), maxMessageSize);
  return sender;
};
const ended = (transfer: SendTransfer | ReceiveTransfer) =>
  new Promise<void>((resolve) => {
    if (transfer.ended) resolve();
    transfer.on('change', () => transfer.ended && resolve());
  });

async function run(content: Uint8Array, setUp: (a: FakeChannel, b: FakeChannel) => void = () => undefined, decide = (r: ReceiveTransfer) => r.accept()) {
  const [a, b] = pair();
  setUp(a, b);
  const receiver = new ReceiveTransfer(as(b));
  receiver.on('change', () => receiver.state === 'waiting' && receiver.offered && decide(receiver));
  const sender = send(a, new File([content as BlobPart], 'a b.bin'), 262_144);
  await Promise.all([ended(sender), ended(receiver)]);
  return { sender, receiver, a };
}

for (const size of [0, 1, 65_536, 65_537, 9_000_001]) {
  test(`a file of ${size} bytes arrives whole`, async () => {
    const content = randomBytes(size);
    const { sender, receiver, a } = await run(content);
    assert.equal(sender.state, 'done');
    assert.equal(receiver.state, 'done');
    assert.equal(receiver.name, 'a b.bin');
    const got = createHash('sha256').update(Buffer.from(await receiver.blob!.arrayBuffer())).digest('hex');
    assert.equal(got, createHash('sha256').update(content).digest('hex'));
    assert.ok(a.mostBuffered <= (4 << 20) + 2 * 65_536, `buffered ${a.mostBuffered}`);
  });
}

test('one flipped bit fails the hash on both sides and gives no file', async () => {
  let flipped = false;
  const { sender, receiver } = await run(randomBytes(300_000), (a) => {
    a.tamper = (data) => {
      if (data instanceof ArrayBuffer && !flipped) {
        flipped = true;
        const copy = data.slice(0);
        new Uint8Array(copy)[7]! ^= 1;
        return copy;
      }
      return data;
    };
  });
  assert.equal(receiver.state, 'failed');
  assert.equal(receiver.blob, undefined);
  assert.equal(sender.state, 'failed');
  assert.equal(sender.reason, 'the hash is wrong');
});

test('a declined file is declined on both sides', async () => {
  const { sender, receiver } = await run(randomBytes(10), undefined, (r) => r.refuse());
  assert.equal(sender.state, 'refused');
  assert.equal(receiver.state, 'refused');
});

test('content beyond the offered size, or before the acceptance, ends the transfer', () => {
  for (const accept of [true, false]) {
    const [a, b] = pair();
    const receiver = new ReceiveTransfer(as(b));
    b.onmessage!({ data: '{"type":"offer","name":"x","size":2}' });
    if (accept) receiver.accept();
    b.onmessage!({ data: new ArrayBuffer(3) });
    assert.equal(receiver.state, 'failed');
    a.close();
  }
});

test('empty pieces end the transfer, and many tiny ones do not pile up', () => {
  const [, b] = pair();
  const receiver = new ReceiveTransfer(as(b));
  b.onmessage!({ data: '{"type":"offer","name":"x","size":20000}' });
  receiver.accept();
  for (let i = 0; i < 20_000; i++) b.onmessage!({ data: new ArrayBuffer(1) });
  assert.equal(receiver.bytes, 20_000);
  const [, d] = pair();
  const other = new ReceiveTransfer(as(d));
  d.onmessage!({ data: '{"type":"offer","name":"x","size":2}' });
  other.accept();
  d.onmessage!({ data: new ArrayBuffer(0) });
  assert.equal(other.state, 'failed');
});

test('a sender that waits for room ends with the channel', async () => {
  const [a, b] = pair();
  a.bufferedAmount = 1 << 30;
  const sender = send(a, new File([new Uint8Array(10)], 'x'));
  a.onmessage!({ data: '{"type":"accept","offset":0}' });
  await new Promise((resolve) => setTimeout(resolve, 10));
  b.close();
  await ended(sender);
  assert.equal(sender.state, 'failed');
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(a.onbufferedamountlow, null);
});

test('control messages that are absurd end the transfer', () => {
  for (const text of ['', 'null', '[]', '{"type":7}', '{"type":"offer","name":"x","size":-1}', '{"type":"offer","name":1,"size":1}', '{"type":"offer","name":"x","size":1e300}', '{"type":"bogus"}', '{"type":"end","sha256":"0"}']) {
    const [, b] = pair();
    const receiver = new ReceiveTransfer(as(b));
    b.onmessage!({ data: text });
    assert.equal(receiver.state, 'failed', text);
  }
});

test('a channel that closes early is a failed transfer', async () => {
  const [a, b] = pair();
  const sender = send(a, new File(['x'], 'x'));
  b.close();
  await ended(sender);
  assert.equal(sender.state, 'failed');
});

test('a file without a channel yet waits, and fails when the connection is lost', () => {
  const sender = new SendTransfer(new File(['x'], 'x'));
  assert.equal(sender.state, 'waiting');
  sender.lost();
  assert.equal(sender.state, 'failed');
});

test('received names lose everything that is not a plain file name', () => {
  assert.equal(safeName('../../etc/passwd'), 'passwd');
  assert.equal(safeName('C:\\x\\y.txt'), 'y.txt');
  assert.equal(safeName('a\u0000b\u202egpj.exe'), 'abgpj.exe');
  assert.equal(safeName('..'), 'file');
  assert.equal(safeName(''), 'file');
});

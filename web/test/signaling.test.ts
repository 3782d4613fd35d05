import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { ErrorMessage } from '../src/sdk/protocol.ts';
import { SignalingClient, SignalingError } from '../src/sdk/signaling.ts';
import { FakeTime, network, settled, type FakeSocket } from './fakes.ts';

const WELCOME = { type: 'welcome', protocols: ['linnet.1'], server: 'x', features: [], auth: ['none'], limits: { message: 65_536 } };
const READY = { type: 'ready', peer: 'ann', session: 's', resume: 'secret', resumed: false, heartbeat: 20_000, iceServers: [] };

let time: FakeTime;
beforeEach(() => (time = new FakeTime()));
afterEach(() => time.restore());

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'done',
    (error: unknown) => (error instanceof SignalingError ? error.code : String(error)),
  );

function make() {
  const net = network();
  let changed: (() => void) | undefined;
  const listen = (call: () => void) => {
    changed = call;
    return () => (changed = undefined);
  };
  const client = new SignalingClient('ws://server/v1/ws', { openSocket: net.openSocket, network: listen });
  const states: string[] = [];
  const errors: ErrorMessage[] = [];
  client.on('state', (state) => states.push(state));
  client.on('error', (error) => errors.push(error));
  return { client, states, errors, sockets: net.sockets, networkChanges: () => changed?.(), listens: () => changed !== undefined };
}
function greet(socket: FakeSocket) {
  socket.says(WELCOME);
  socket.says(READY);
}
async function connected() {
  const made = make();
  const done = made.client.connect();
  greet(made.sockets[0]!);
  await done;
  made.sockets[0]!.sent.length = 0;
  return made;
}
async function joined() {
  const made = await connected();
  const done = made.client.join('demo', { name: 'Ann' });
  made.sockets[0]!.says({ type: 'joined', id: made.sockets[0]!.sent[0]!['id'], room: 'demo', peers: [], permissions: [], max: 2, seq: 1 });
  await done;
  return made;
}

test('a lost socket is opened again with growing pauses, and the pauses start anew once a connection has lasted', async () => {
  const { client, sockets, states } = await connected();
  const pauses: number[] = [];
  for (let i = 0; i < 8; i++) {
    const before = time.now;
    const count = sockets.length;
    sockets.at(-1)!.lost();
    while (sockets.length === count) await time.pass(10);
    pauses.push(time.now - before);
  }
  for (const [i, base] of [0, 300, 1200, 2700, 4800, 7000, 7000, 7000].entries()) {
    assert.ok(pauses[i]! >= base * 0.8 && pauses[i]! <= base * 1.2 + 20, `pause ${i} was ${pauses[i]} ms`);
  }
  greet(sockets.at(-1)!);
  assert.deepEqual(states, ['connected', 'reconnecting', 'connected']);

  // A server that welcomes and drops us is not hammered.
  let count = sockets.length;
  sockets.at(-1)!.lost();
  await time.pass(5000);
  assert.equal(sockets.length, count);
  await time.pass(4000);
  assert.equal(sockets.length, count + 1);
  greet(sockets.at(-1)!);
  await time.pass(11_000);
  count = sockets.length;
  sockets.at(-1)!.lost();
  await time.pass(0);
  assert.equal(sockets.length, count + 1);
  client.close();
  assert.equal(time.waiting, 0);
});

test('it comes back under its id with the resume token and the last sequence number, and joins its rooms again', async () => {
  const { client, sockets } = await joined();
  let again = 0;
  client.on('joined', () => again++);
  sockets[0]!.says({ type: 'signal', room: 'demo', from: 'bob', candidate: null, seq: 7 });
  const pending = codeOf(client.update('demo', {}));
  sockets[0]!.lost();
  assert.equal(await pending, 'lost');
  await time.pass(0);
  const socket = sockets[1]!;
  socket.says(WELCOME);
  const [hello] = socket.sent;
  assert.equal(hello!['peer'], 'ann');
  assert.deepEqual(hello!['resume'], { token: 'secret', seq: 7 });
  socket.says(READY);
  const join = socket.sent[1]!;
  assert.deepEqual({ ...join, id: 0 }, { type: 'join', id: 0, room: 'demo', data: { name: 'Ann' } });
  socket.says({ type: 'joined', id: join['id'], room: 'demo', peers: [], permissions: [], max: 2, seq: 1 });
  assert.equal(again, 1);
  client.close();
});

test('a room that refuses us for now is tried again when the server says; one that refuses us for good is told', async () => {
  const { client, sockets, errors } = await joined();
  sockets[0]!.lost();
  await time.pass(0);
  const socket = sockets[1]!;
  greet(socket);
  socket.says({ type: 'error', id: socket.sent[1]!['id'], code: 'rate_limited', message: 'slow', retryAfterMs: 400, fatal: false });
  await time.pass(399);
  assert.equal(socket.sent.length, 2);
  await time.pass(1);
  assert.equal(socket.sent[2]!['type'], 'join');
  socket.says({ type: 'error', id: socket.sent[2]!['id'], code: 'room_full', message: 'full', fatal: false });
  await settled();
  assert.deepEqual(errors.map((error) => error.code), ['room_full']);
  client.close();
});

test('it does not come back after the close codes that say so', async () => {
  for (const code of [4001, 4002, 4003, 4004, 4005, 4009, 4011]) {
    const { client, sockets, states } = await connected();
    const pending = codeOf(client.join('demo'));
    sockets[0]!.lost(code);
    assert.equal(await pending, 'lost');
    await time.pass(60_000);
    assert.equal(sockets.length, 1, String(code));
    assert.equal(states.at(-1), 'closed');
    assert.equal(time.waiting, 0);
  }
});

test('it follows goaway: later, or never', async () => {
  const later = await connected();
  later.sockets[0]!.says({ type: 'goaway', action: 'reconnect', afterMs: 1000 });
  later.sockets[0]!.lost(4008);
  await time.pass(999);
  assert.equal(later.sockets.length, 1);
  await time.pass(1);
  assert.equal(later.sockets.length, 2);
  later.client.close();

  const never = await connected();
  never.sockets[0]!.says({ type: 'goaway', action: 'disconnect' });
  never.sockets[0]!.lost(4008);
  await time.pass(60_000);
  assert.equal(never.sockets.length, 1);
  assert.equal(never.client.state, 'closed');
});

test('silence is a lost connection, pings are answered, and a request has its time', async () => {
  const { client, sockets, states } = await connected();
  await time.pass(44_000);
  sockets[0]!.says({ type: 'ping', t: 5 });
  assert.deepEqual(sockets[0]!.sent, [{ type: 'pong', t: 5 }]);
  const request = codeOf(client.join('demo'));
  await time.pass(10_000);
  assert.equal(await request, 'timeout');
  await time.pass(34_999);
  assert.equal(states.at(-1), 'connected');
  await time.pass(1);
  assert.equal(states.at(-1), 'reconnecting');
  assert.notEqual(sockets[0]!.closedWith, undefined);
  client.close();
});

test('connect() tells why it failed and does not try again', async () => {
  const refused = make();
  const first = codeOf(refused.client.connect());
  refused.sockets[0]!.says(WELCOME);
  refused.sockets[0]!.says({ type: 'error', code: 'id_taken', message: 'taken', fatal: true });
  assert.equal(await first, 'id_taken');
  const unreachable = make();
  const second = codeOf(unreachable.client.connect());
  unreachable.sockets[0]!.lost();
  assert.equal(await second, 'unreachable');
  const silent = make();
  const third = codeOf(silent.client.connect());
  await time.pass(10_000);
  assert.equal(await third, 'unreachable');
  const closed = make();
  const fourth = codeOf(closed.client.connect());
  closed.client.close();
  assert.equal(await fourth, 'closed');
  assert.equal(await codeOf(closed.client.connect()), 'called_before');
  const broken = new SignalingClient('ftp://x', {
    openSocket: () => {
      throw new Error('no such scheme');
    },
  });
  assert.equal(await codeOf(broken.connect()), 'unreachable');
  await time.pass(60_000);
  for (const { sockets } of [refused, unreachable, silent, closed]) assert.equal(sockets.length, 1);
  assert.equal(time.waiting, 0);
});

test('what is larger than the server takes is not sent, for it would end the connection', async () => {
  const { client, sockets, errors } = await joined();
  sockets[0]!.sent.length = 0;
  client.signal('bob', 'demo', { sealed: '\u2603'.repeat(22_000) });
  client.signal('bob', 'demo', { sealed: 'x'.repeat(60_000) });
  assert.equal(await codeOf(client.join('other', { big: 'x'.repeat(70_000) })), 'too_large');
  assert.deepEqual(errors.map(({ code, to }) => [code, to]), [['too_large', 'bob']]);
  assert.equal(sockets[0]!.sent.length, 1);
  client.close();
});

test('leaving while the socket is away only means not to join again', async () => {
  const { client, sockets } = await joined();
  sockets[0]!.lost();
  await client.leave('demo');
  await time.pass(0);
  greet(sockets[1]!);
  assert.equal(sockets[1]!.sent.length, 1);
  client.close();
});

test('frames that cannot be understood are ignored', async () => {
  const { client, sockets, errors } = await joined();
  let seen = 0;
  client.on('signal', () => seen++);
  client.on('message', () => seen++);
  client.on('peer', () => seen++);
  for (const frame of ['', 'null', '[]', '7', '{"type":7}', '{"type":"signal","from":"bob"}', '{"type":"signal","from":"bob","candidate":null,"sealed":"x"}',
    '{"type":"signal","from":"bob","description":"v=0"}', '{"type":"signal","from":"bob","candidates":[1]}', '{"type":"message","from":"bob"}', '{"type":"peer-joined"}',
    '{"type":"ack","id":"never"}', '{"type":"joined","room":"x"}', '{"type":"error"}']) {
    sockets[0]!.says(frame);
  }
  sockets[0]!.onmessage!({ data: new ArrayBuffer(3) });
  assert.equal(seen, 0);
  assert.deepEqual(errors, []);
  assert.equal(client.state, 'connected');
  client.close();
});

test('after a change of the network the server has three seconds to answer a ping', async () => {
  const { client, sockets, states, networkChanges } = await connected();
  networkChanges();
  networkChanges();
  assert.deepEqual(sockets[0]!.sent, [{ type: 'ping', t: 1 }], 'one question at a time');
  await time.pass(2000);
  sockets[0]!.says({ type: 'pong', t: 1 });
  assert.deepEqual(sockets[0]!.sent.slice(1), [{ type: 'ping', t: 2 }], 'the network changed after the first question');
  sockets[0]!.says({ type: 'pong', t: 2 });
  await time.pass(44_000);
  assert.equal(sockets.length, 1);
  assert.deepEqual(states, ['connected']);

  networkChanges();
  await time.pass(999);
  assert.equal(sockets.length, 1);
  await time.pass(2001);
  assert.equal(sockets.length, 2, 'it is given up');
  assert.equal(sockets[0]!.closedWith, 1000);
  sockets[1]!.says(WELCOME);
  assert.equal(sockets[1]!.sent[0]!['peer'], 'ann');
  sockets[1]!.says(READY);
  assert.deepEqual(states, ['connected', 'reconnecting', 'connected']);
  client.close();
  assert.equal(time.waiting, 0);
});

test('a pause ends when the network changes, and the pauses begin anew; not sooner than the server wants', async () => {
  const { client, sockets, networkChanges } = await connected();
  for (let tries = 1; tries <= 5; tries++) {
    sockets.at(-1)!.lost();
    while (sockets.length === tries) await time.pass(100);
  }
  sockets.at(-1)!.lost();
  await time.pass(1000);
  assert.equal(sockets.length, 6);
  networkChanges();
  networkChanges();
  await time.pass(0);
  assert.equal(sockets.length, 7, 'at once, and once');
  sockets.at(-1)!.lost();
  await time.pass(0);
  assert.equal(sockets.length, 8);
  sockets.at(-1)!.lost();
  networkChanges();
  await time.pass(0);
  assert.equal(sockets.length, 8, 'a short pause is kept: networks may change very often');
  await time.pass(360);
  assert.equal(sockets.length, 9);
  sockets.at(-1)!.says(WELCOME);
  sockets.at(-1)!.says({ type: 'goaway', action: 'reconnect', afterMs: 20_000 });
  sockets.at(-1)!.lost(4008);
  networkChanges();
  await time.pass(19_999);
  assert.equal(sockets.length, 9);
  await time.pass(1);
  assert.equal(sockets.length, 10);
  client.close();
});

test('a try that a change of the network met has little time left', async () => {
  const { client, sockets, networkChanges } = await connected();
  sockets[0]!.lost();
  await time.pass(0);
  await time.pass(1000);
  networkChanges();
  await time.pass(2000);
  networkChanges();
  await time.pass(999);
  assert.equal(sockets.length, 2);
  await time.pass(1);
  assert.equal(sockets.length, 3);
  client.close();
});

test('it listens to the network from connect() to the end, and leaves the first try alone', async () => {
  const { client, sockets, networkChanges, listens } = make();
  assert.ok(!listens());
  const done = client.connect();
  assert.ok(listens());
  networkChanges();
  await time.pass(9000);
  assert.equal(sockets.length, 1);
  greet(sockets[0]!);
  await done;
  client.close();
  assert.ok(!listens());
});

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { Peer } from '../src/sdk/peer.ts';
import { Room } from '../src/sdk/room.ts';
import { FakeSocket, FakeTime, settled } from './fakes.ts';

/** An RTCPeerConnection of which only the descriptions matter. */
class FakeConnection {
  static all: FakeConnection[] = [];
  connectionState: RTCPeerConnectionState = 'new';
  signalingState: RTCSignalingState = 'stable';
  localDescription: { type: string; sdp: string } | null = null;
  remoteDescription: { type: string; sdp: string } | null = null;
  onnegotiationneeded: (() => void) | null = null;
  onicecandidate = null;
  ondatachannel = null;
  onconnectionstatechange: (() => void) | null = null;
  restarts = 0;
  configuration: { iceServers?: unknown[]; bundlePolicy?: string };
  channels = 0;

  constructor(configuration: object) {
    this.configuration = { ...configuration, bundlePolicy: 'max-bundle' };
    FakeConnection.all.push(this);
  }
  getConfiguration() {
    return this.configuration;
  }
  setConfiguration(configuration: { iceServers?: unknown[] }) {
    if (this.signalingState === 'closed') throw new Error('closed');
    this.configuration = configuration;
  }
  createDataChannel() {
    this.channels++;
    queueMicrotask(() => this.onnegotiationneeded?.());
    return { readyState: 'connecting' };
  }
  async setLocalDescription(description?: { type: string }) {
    if (description?.type === 'rollback') {
      this.signalingState = 'stable';
      return;
    }
    const type = this.signalingState === 'have-remote-offer' ? 'answer' : 'offer';
    this.localDescription = { type, sdp: 'a=fingerprint:sha-256 00\r\n' };
    this.signalingState = type === 'answer' ? 'stable' : 'have-local-offer';
  }
  async setRemoteDescription(description: { type: string; sdp: string }) {
    this.remoteDescription = description;
    this.signalingState = description.type === 'answer' ? 'stable' : 'have-remote-offer';
  }
  async getStats() {
    return new Map();
  }
  restartIce() {
    this.restarts++;
  }
  close() {
    this.signalingState = 'closed';
    this.connectionState = 'closed';
  }
  becomes(state: RTCPeerConnectionState) {
    this.connectionState = state;
    if (state === 'connected') this.signalingState = 'stable';
    this.onconnectionstatechange?.();
  }
}

const sockets: FakeSocket[] = [];
let time: FakeTime;
const real = { WebSocket: globalThis.WebSocket, RTCPeerConnection: globalThis.RTCPeerConnection };
beforeEach(() => {
  time = new FakeTime();
  sockets.length = 0;
  FakeConnection.all = [];
  Object.assign(globalThis, {
    RTCPeerConnection: FakeConnection,
    WebSocket: class extends FakeSocket {
      constructor() {
        super();
        sockets.push(this);
      }
    },
  });
});
afterEach(() => {
  time.restore();
  Object.assign(globalThis, real);
});

async function greet(socket: FakeSocket, present: string[]) {
  socket.says({ type: 'welcome', protocols: ['linnet.1'], limits: {} });
  socket.says({ type: 'ready', peer: 'me', session: 's', resume: 'r', resumed: false, heartbeat: 20_000, iceServers: [] });
  await settled();
  const join = socket.sent.find((frame) => frame['type'] === 'join')!;
  socket.says({ type: 'joined', id: join['id'], room: 'demo', peers: present.map((peer) => ({ peer, data: {}, since: 1 })), permissions: [], max: 9, seq: 1 });
  await settled();
  socket.sent.length = 0;
}
async function enter(present: string[]) {
  const left: Peer[] = [];
  const joining = Room.join('ws://x', 'demo', {}, (room) => room.on('left', (peer) => left.push(peer)));
  await greet(sockets[0]!, present);
  return { room: await joining, left, socket: sockets[0]! };
}
const description = (type: string, fingerprint: string) => ({ type, sdp: `v=0\r\na=fingerprint:sha-256 ${fingerprint}\r\n` });

test('the newcomer calls who is there, and waits for who comes later', async () => {
  const { room, socket } = await enter(['ann', 'me']);
  socket.says({ type: 'peer-joined', room: 'demo', peer: 'bob', data: {}, seq: 2 });
  assert.deepEqual([...room.peers.keys()], ['ann', 'bob']);
  assert.deepEqual(FakeConnection.all.map((pc) => pc.channels), [1, 0]);
  room.leave();
});

test('ICE servers that the server pushes go to the connections that there are and to those to come', async () => {
  const { room, socket } = await enter(['ann']);
  const iceServers = [{ urls: ['turn:turn.example.org'], username: '9:me', credential: 'secret' }];
  socket.says({ type: 'ice-servers', iceServers });
  socket.says({ type: 'ice-servers' });
  socket.says({ type: 'peer-joined', room: 'demo', peer: 'bob', data: {}, seq: 2 });
  assert.deepEqual(FakeConnection.all.map((pc) => pc.configuration.iceServers), [iceServers, iceServers]);
  assert.equal(FakeConnection.all[0]!.configuration.bundlePolicy, 'max-bundle', 'the rest stays');
  room.leave();
});

test('who left while we were away from the server is gone; who is still connected stays; who is interrupted restarts', async () => {
  const { room, left, socket } = await enter(['ann', 'bob', 'cat', 'dan']);
  const [, bob, cat] = FakeConnection.all;
  bob!.becomes('connected');
  cat!.becomes('connected');
  cat!.becomes('disconnected');
  socket.lost();
  await time.pass(0);
  await greet(sockets[1]!, ['cat', 'eve']);
  assert.deepEqual([...room.peers.keys()], ['bob', 'cat', 'eve']);
  assert.deepEqual(left.map((peer) => peer.id), ['ann', 'dan']);
  assert.equal(cat!.restarts, 1);
  assert.equal(bob!.restarts, 0);
  room.leave();
});

test('a peer that lost the server, or came back from another network, goes when its connection does', async () => {
  const { room, socket } = await enter(['ann', 'bob', 'cat', 'dan']);
  const [ann, bob, cat] = FakeConnection.all;
  for (const pc of [ann!, bob!, cat!]) pc.becomes('connected');
  bob!.becomes('disconnected');
  const leaves = (peer: string, reason: string) => socket.says({ type: 'peer-left', room: 'demo', peer, reason, seq: 9 });
  for (const reason of ['lost', 'replaced']) {
    leaves('ann', reason);
    leaves('bob', reason);
  }
  leaves('cat', 'left');
  leaves('dan', 'replaced');
  assert.deepEqual([...room.peers.keys()], ['ann', 'bob'], 'dan was never connected');
  socket.says({ type: 'peer-joined', room: 'demo', peer: 'ann', data: { name: 'Ann' }, seq: 10 });
  assert.equal(room.peers.get('ann')!.pc, ann as unknown as RTCPeerConnection);
  assert.equal(room.peers.get('ann')!.data.name, 'Ann');
  room.leave();
});

test('a connection that notices the change of networks after signaling did is restarted then, once', async () => {
  const { room, socket } = await enter(['ann']);
  const [ann] = FakeConnection.all;
  ann!.becomes('connected');
  ann!.becomes('disconnected');
  await settled();
  assert.equal(ann!.restarts, 0, 'with signaling there, ICE has the first word');
  ann!.becomes('connected');
  socket.lost();
  await time.pass(0);
  await greet(sockets[1]!, ['ann']);
  assert.equal(ann!.restarts, 0);
  ann!.becomes('disconnected');
  await settled();
  assert.equal(ann!.restarts, 1);
  ann!.becomes('connected');
  ann!.becomes('disconnected');
  await settled();
  assert.equal(ann!.restarts, 1);
  room.leave();
});

test('an offer whose answer may have been lost is made anew, whoever was away from the server', async () => {
  const { room, socket } = await enter(['ann', 'bob', 'cat']);
  const [ann, bob, cat] = FakeConnection.all;
  for (const pc of [ann!, bob!, cat!]) pc.becomes('connected');
  bob!.becomes('disconnected');
  ann!.signalingState = bob!.signalingState = 'have-local-offer';
  const back = (peer: string) => socket.says({ type: 'peer-joined', room: 'demo', peer, data: {}, seq: 9 });
  for (const peer of ['ann', 'bob', 'cat']) back(peer);
  await settled();
  assert.deepEqual([ann!.restarts, bob!.restarts, cat!.restarts], [1, 1, 0]);
  assert.deepEqual([ann!.signalingState, bob!.signalingState], ['stable', 'stable'], 'rolled back, to offer again');

  ann!.signalingState = bob!.signalingState = 'have-local-offer';
  socket.lost();
  await time.pass(0);
  await greet(sockets[1]!, ['ann', 'bob', 'cat']);
  await settled();
  assert.deepEqual([ann!.restarts, bob!.restarts, cat!.restarts], [2, 2, 0]);
  assert.deepEqual([...room.peers.values()].map((peer) => peer.pc), [ann, bob, cat] as unknown as RTCPeerConnection[]);
  room.leave();
});

test('whoever was not connected yet when signaling was lost is called anew', async () => {
  const { room, socket } = await enter(['new', 'connecting', 'neverthere']);
  const before = [...FakeConnection.all];
  before[1]!.becomes('connecting');
  before[2]!.becomes('failed');
  socket.lost();
  await time.pass(0);
  before.forEach((pc) => (pc.restarts = 0));
  await greet(sockets[1]!, ['new', 'connecting', 'neverthere']);
  const after = FakeConnection.all.slice(3);
  assert.deepEqual(before.map((pc) => pc.signalingState), ['closed', 'closed', 'closed']);
  assert.deepEqual(before.map((pc) => pc.restarts), [0, 0, 0]);
  assert.deepEqual(after.map((pc) => pc.channels), [1, 1, 1]);
  assert.deepEqual(after.map((pc) => pc.localDescription?.type), ['offer', 'offer', 'offer']);
  assert.deepEqual([...room.peers.values()].map((peer) => peer.pc), after as unknown as RTCPeerConnection[]);
  room.leave();
});

test('a peer that began anew under its id, with another certificate, gets a new connection', async () => {
  const { room, socket } = await enter(['ann']);
  const [first] = FakeConnection.all;
  const signal = (body: object) => socket.says({ type: 'signal', room: 'demo', from: 'ann', ...body, seq: 9 });
  signal({ description: description('answer', 'AA:01') });
  await settled();
  signal({ description: description('offer', 'aa:01') });
  await settled();
  assert.equal(FakeConnection.all.length, 1, 'the same certificate is the same connection');
  assert.equal(first!.localDescription?.type, 'answer');
  signal({ description: description('offer', 'BB:02') });
  await settled();
  assert.equal(first!.signalingState, 'closed');
  const second = FakeConnection.all[1]!;
  assert.equal(room.peers.get('ann')!.pc, second as unknown as RTCPeerConnection);
  assert.equal(second.localDescription?.type, 'answer');
  signal({ description: description('answer', 'CC:03') });
  await settled();
  assert.equal(FakeConnection.all[2]!.localDescription?.type, 'offer');
  room.leave();
});

test('a peer that the server does not have any more is given up, unless it is connected', async () => {
  const { room, socket } = await enter(['ann', 'bob']);
  FakeConnection.all[1]!.becomes('connected');
  for (const to of ['ann', 'bob', 'nobody']) socket.says({ type: 'error', code: 'peer_unavailable', message: '', to, fatal: false });
  assert.deepEqual([...room.peers.keys()], ['bob']);
  room.leave();
});

test('leaving says so before the socket closes', async () => {
  const { room, socket } = await enter(['ann']);
  room.leave();
  assert.equal(socket.sent.at(-1)!['type'], 'leave');
  assert.equal(socket.closedWith, 1000);
  assert.equal(FakeConnection.all[0]!.signalingState, 'closed');
  await settled();
  assert.equal(time.waiting, 0);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Negotiator, type Negotiable } from '../src/sdk/negotiator.ts';
import type { SignalBody } from '../src/sdk/protocol.ts';

/** As much of RTCPeerConnection's signaling as perfect negotiation rests on: states and implicit rollback. */
class FakeConnection {
  signalingState: RTCSignalingState = 'stable';
  localDescription: RTCSessionDescription | null = null;
  remoteDescription: RTCSessionDescription | null = null;
  onnegotiationneeded: (() => Promise<void>) | null = null;
  onicecandidate: ((event: { candidate: null }) => void) | null = null;
  candidates: unknown[] = [];
  static count = 0;

  restarts = 0;

  async setLocalDescription(description?: { type?: string }): Promise<void> {
    await null;
    if (description?.type === 'rollback') {
      if (this.signalingState !== 'have-local-offer') throw new Error('InvalidStateError');
      this.signalingState = 'stable';
      return;
    }
    const type = this.signalingState === 'have-remote-offer' ? 'answer' : 'offer';
    this.localDescription = { type, sdp: `${type} ${FakeConnection.count++}` } as RTCSessionDescription;
    this.signalingState = type === 'answer' ? 'stable' : 'have-local-offer';
  }
  restartIce(): void {
    this.restarts++;
    if (this.signalingState === 'stable') void this.onnegotiationneeded?.();
  }
  async setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void> {
    await null;
    if (description.type === 'answer' && this.signalingState !== 'have-local-offer') throw new Error('InvalidStateError');
    this.remoteDescription = description as RTCSessionDescription;
    this.signalingState = description.type === 'answer' ? 'stable' : 'have-remote-offer';
  }
  async addIceCandidate(candidate?: unknown): Promise<void> {
    if (!this.remoteDescription) throw new Error('InvalidStateError');
    this.candidates.push(candidate);
  }
}

function pairUp() {
  const sides = [new FakeConnection(), new FakeConnection()] as const;
  const errors: unknown[] = [];
  const inFlight: (() => Promise<void>)[] = [];
  const negotiators: Negotiator[] = [];
  for (const i of [0, 1] as const) {
    const send = (body: SignalBody) => inFlight.push(() => negotiators[1 - i]!.receive(body));
    negotiators.push(new Negotiator(sides[i] as unknown as Negotiable, i === 0, send, (error) => errors.push(error)));
  }
  const settle = async () => {
    for (let next = inFlight.shift(); next; next = inFlight.shift()) await next();
  };
  return { sides, errors, settle, negotiators };
}

test('an offer is answered and both are stable', async () => {
  const { sides, errors, settle } = pairUp();
  await sides[0].onnegotiationneeded!();
  await settle();
  assert.deepEqual(errors, []);
  assert.deepEqual(sides.map((side) => side.signalingState), ['stable', 'stable']);
  assert.equal(sides[1].remoteDescription?.type, 'offer');
});

test('two offers at once: the polite side gives way and both end stable', async () => {
  const { sides, errors, settle } = pairUp();
  await Promise.all(sides.map((side) => side.onnegotiationneeded!()));
  await settle();
  assert.deepEqual(errors, []);
  assert.deepEqual(sides.map((side) => side.signalingState), ['stable', 'stable']);
  assert.equal(sides[1].localDescription?.type, 'offer', 'the impolite side keeps its offer');
  assert.equal(sides[0].localDescription?.type, 'answer');
});

test('a restart takes back an offer whose answer was lost and offers anew, on both sides at once, too', async () => {
  const { sides, errors, settle, negotiators } = pairUp();
  sides[0].signalingState = sides[1].signalingState = 'have-local-offer';
  await Promise.all(negotiators.map((negotiator) => negotiator.restartIce()));
  await new Promise((resolve) => setImmediate(resolve));
  await settle();
  assert.deepEqual(errors, []);
  assert.deepEqual(sides.map((side) => side.restarts), [1, 1]);
  assert.deepEqual(sides.map((side) => side.signalingState), ['stable', 'stable']);
  assert.equal(sides[1].remoteDescription?.type, 'answer', 'the impolite side keeps its offer');
  await negotiators[0]!.restartIce();
  await new Promise((resolve) => setImmediate(resolve));
  await settle();
  assert.deepEqual(errors, []);
  assert.equal(sides[0].remoteDescription?.type, 'answer', 'with nothing under way, an offer as any other');
});

test('candidates that come before the description wait for it', async () => {
  const { sides, errors, negotiators } = pairUp();
  await negotiators[1]!.receive({ candidate: { candidate: 'candidate:1' } });
  await negotiators[1]!.receive({ candidate: null });
  assert.deepEqual(sides[1].candidates, []);
  await negotiators[1]!.receive({ description: { type: 'offer', sdp: 'x' } });
  assert.deepEqual(sides[1].candidates, [{ candidate: 'candidate:1' }, undefined]);
  assert.deepEqual(errors, []);
});

test('a flood of early candidates is bounded', async () => {
  const { sides, negotiators } = pairUp();
  for (let i = 0; i < 1000; i++) void negotiators[1]!.receive({ candidate: { candidate: `candidate:${i}` } });
  await negotiators[1]!.receive({ description: { type: 'offer', sdp: 'x' } });
  assert.equal(sides[1].candidates.length, 256);
});

test('candidates of an offer that was ignored do not come up with the answer', async () => {
  const { sides, errors, negotiators } = pairUp();
  await sides[1].onnegotiationneeded!();
  await negotiators[1]!.receive({ description: { type: 'offer', sdp: 'glare' } });
  await negotiators[1]!.receive({ candidate: { candidate: 'of the ignored offer' } });
  await negotiators[1]!.receive({ description: { type: 'answer', sdp: 'x' } });
  await negotiators[1]!.receive({ candidate: { candidate: 'of the answer' } });
  assert.deepEqual(sides[1].candidates, [{ candidate: 'of the answer' }]);
  assert.deepEqual(errors, []);
});

test('an offer after one whose answer failed is taken, also by the impolite side', async () => {
  const { sides, errors, negotiators } = pairUp();
  const answer = sides[1].setLocalDescription;
  sides[1].setLocalDescription = () => Promise.reject(new Error('no answer'));
  await negotiators[1]!.receive({ description: { type: 'offer', sdp: '1' } });
  sides[1].setLocalDescription = answer;
  await negotiators[1]!.receive({ description: { type: 'offer', sdp: '2' } });
  assert.equal(errors.length, 1);
  assert.equal(sides[1].signalingState, 'stable');
});

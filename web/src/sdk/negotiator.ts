import type { SignalBody } from './protocol.ts';

/** The part of RTCPeerConnection that negotiation uses, so that tests can stand in for it. */
export type Negotiable = Pick<
  RTCPeerConnection,
  | 'signalingState'
  | 'localDescription'
  | 'remoteDescription'
  | 'setLocalDescription'
  | 'setRemoteDescription'
  | 'addIceCandidate'
  | 'restartIce'
  | 'onnegotiationneeded'
  | 'onicecandidate'
>;

/**
 * Perfect negotiation (W3C WebRTC, section 10.7) between one RTCPeerConnection and a peer that is reached by `send`. Glare is
 * settled by `polite`: exactly one of the two sides must be. Candidates that come before their description wait for it.
 */
export class Negotiator {
  #pc: Negotiable;
  #send: (body: SignalBody) => void;
  #polite: boolean;
  #makingOffer = false;
  #ignoreOffer = false;
  #settingAnswer = false;
  #early: (RTCIceCandidateInit | null)[] = [];
  #queue: Promise<void> = Promise.resolve();

  constructor(pc: Negotiable, polite: boolean, send: (body: SignalBody) => void, onError: (error: unknown) => void) {
    this.#pc = pc;
    this.#polite = polite;
    this.#send = send;
    this.onError = onError;
    pc.onnegotiationneeded = async () => {
      try {
        this.#makingOffer = true;
        await pc.setLocalDescription();
        if (pc.localDescription) send({ description: pc.localDescription });
      } catch (error) {
        this.onError(error);
      } finally {
        this.#makingOffer = false;
      }
    };
    pc.onicecandidate = ({ candidate }) => send({ candidate: candidate ? candidate.toJSON() : null });
  }

  onError: (error: unknown) => void;

  /** Takes one signal of the peer; they are handled one after the other, in order. */
  receive(body: SignalBody): Promise<void> {
    const done = this.#queue.then(() => this.#handle(body));
    this.#queue = done.catch((error: unknown) => this.onError(error));
    return this.#queue;
  }

  /** Restarts ICE, with an offer anew even if one waits for its answer, which may have been lost. */
  restartIce(): Promise<void> {
    const done = this.#queue.then(async () => {
      if (this.#pc.signalingState === 'have-local-offer') await this.#pc.setLocalDescription({ type: 'rollback' });
      this.#pc.restartIce();
    });
    this.#queue = done.catch((error: unknown) => this.onError(error));
    return this.#queue;
  }

  async #handle(body: SignalBody): Promise<void> {
    if (body.description) await this.#description(body.description);
    if ('candidate' in body) await this.#candidate(body.candidate ?? null);
    for (const candidate of body.candidates ?? []) {
      await this.#candidate(candidate).catch((error: unknown) => this.onError(error));
    }
  }

  async #description(description: RTCSessionDescriptionInit): Promise<void> {
    const pc = this.#pc;
    // A second offer while the first was not answered, because an answer failed, is no collision.
    const idle = pc.signalingState === 'stable' || pc.signalingState === 'have-remote-offer';
    const readyForOffer = !this.#makingOffer && (idle || this.#settingAnswer);
    const collision = description.type === 'offer' && !readyForOffer;
    this.#ignoreOffer = !this.#polite && collision;
    if (this.#ignoreOffer) return;
    this.#settingAnswer = description.type === 'answer';
    try {
      await pc.setRemoteDescription(description);
    } finally {
      this.#settingAnswer = false;
    }
    const early = this.#early;
    this.#early = [];
    for (const candidate of early) await this.#candidate(candidate).catch((error: unknown) => this.onError(error));
    if (description.type === 'offer') {
      await pc.setLocalDescription();
      if (pc.localDescription) this.#send({ description: pc.localDescription });
    }
  }

  async #candidate(candidate: RTCIceCandidateInit | null): Promise<void> {
    if (!this.#pc.remoteDescription) {
      // Those of an offer that was ignored would never fit.
      if (!this.#ignoreOffer && this.#early.length < 256) this.#early.push(candidate);
      return;
    }
    try {
      await this.#pc.addIceCandidate(candidate ?? undefined);
    } catch (error) {
      if (!this.#ignoreOffer) throw error;
    }
  }
}

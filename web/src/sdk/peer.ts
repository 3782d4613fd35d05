import { Emitter } from './emitter.ts';
import { Negotiator } from './negotiator.ts';
import type { PresenceData, SignalBody } from './protocol.ts';
import { SendQueue } from './send_queue.ts';
import { FILE_PROTOCOL, ReceiveTransfer, type SendTransfer } from './transfer.ts';

export const CHAT_LABEL = 'chat';
export const MAX_CHAT_BYTES = 16_384;

/** How data travels, for people. */
export type PathKind = 'unknown' | 'direct' | 'direct-ipv6' | 'relayed';

const fingerprints = (sdp: string | undefined): Set<string> =>
  new Set([...(sdp ?? '').matchAll(/^a=fingerprint:(\S+ \S+)/gm)].map((match) => match[1]!.toLowerCase()));

interface Events {
  state: RTCPeerConnectionState;
  path: PathKind;
  chat: string;
  chatopen: void;
  file: ReceiveTransfer;
  error: unknown;
}

/** One other member of a room and the connection to it. */
export class Peer extends Emitter<Events> {
  readonly id: string;
  readonly pc: RTCPeerConnection;
  data: PresenceData;
  path: PathKind = 'unknown';
  /** Was it ever connected? */
  established = false;
  /** Signaling broke, and the connection did not, or has not noticed yet. */
  doubtful = false;
  #chat: RTCDataChannel | undefined;
  #negotiator: Negotiator;
  #unsent: string[] = [];
  #sending = new SendQueue((transfer) => {
    const channel = this.pc.createDataChannel('file', { protocol: FILE_PROTOCOL });
    transfer.start(channel, this.pc.sctp?.maxMessageSize ?? 65_536);
  });
  #receiving = new Set<ReceiveTransfer>();

  constructor(id: string, data: PresenceData, self: string, iceServers: RTCIceServer[], send: (body: SignalBody) => void) {
    super();
    this.id = id;
    this.data = data;
    this.pc = new RTCPeerConnection({ iceServers });
    this.#negotiator = new Negotiator(this.pc, self > id, send, (error) => this.emit('error', error));
    this.pc.ondatachannel = ({ channel }) => this.#incoming(channel);
    this.pc.onconnectionstatechange = () => {
      const state = this.pc.connectionState;
      if (state === 'connected') {
        this.established = true;
        void this.#findPath();
      }
      this.emit('state', state);
    };
  }

  get name(): string {
    return typeof this.data.name === 'string' && this.data.name ? this.data.name : this.id;
  }
  get state(): RTCPeerConnectionState {
    return this.pc.connectionState;
  }
  /** Was there and is not over: interrupted it may come back, ICE has the last word on that. */
  get lives(): boolean {
    return this.established && (this.state === 'connected' || this.state === 'disconnected');
  }
  get canChat(): boolean {
    return this.#chat?.readyState === 'open';
  }

  /** Makes the connection: for the newcomer. The other side answers. */
  call(): void {
    if (!this.#chat) this.#takeChat(this.pc.createDataChannel(CHAT_LABEL));
  }

  receive(body: SignalBody): Promise<void> {
    if (body.close) {
      this.close();
      return Promise.resolve();
    }
    return this.#negotiator.receive(body);
  }

  /** What is said before the channel is open is sent when it opens. */
  say(text: string): void {
    if (this.canChat) this.#chat?.send(text);
    else if (this.#unsent.length < 100) this.#unsent.push(text);
  }

  /** One after the other, and after those of earlier calls. */
  sendFiles(files: readonly File[]): SendTransfer[] {
    return this.#sending.add(files);
  }

  /** Does this description come from another RTCPeerConnection than the one we talk to? Each has a certificate of its own. */
  isOfAnother(description: RTCSessionDescriptionInit): boolean {
    const known = fingerprints(this.pc.remoteDescription?.sdp);
    const told = fingerprints(description.sdp);
    return known.size > 0 && told.size > 0 && ![...told].some((each) => known.has(each));
  }

  /** Is there a connection that new candidates may mend? */
  get canRestart(): boolean {
    return this.established && (this.state === 'disconnected' || this.state === 'failed');
  }
  /** Waits an offer for its answer? */
  get unanswered(): boolean {
    return this.pc.signalingState === 'have-local-offer';
  }

  /** For what is gathered from now on, as at an ICE restart; a relay that is there goes on. */
  setIceServers(iceServers: RTCIceServer[]): void {
    try {
      this.pc.setConfiguration({ ...this.pc.getConfiguration(), iceServers });
    } catch (error) {
      // Closed, or a server's mistake: what was set before stays.
      if (this.pc.signalingState !== 'closed') this.emit('error', error);
    }
  }

  restartIce(): void {
    void this.#negotiator.restartIce();
  }

  close(): void {
    if (this.pc.signalingState === 'closed') return;
    this.pc.close();
    // Channels do not tell of a connection that this side closed.
    this.#sending.lost();
    for (const transfer of this.#receiving) transfer.lost();
    this.emit('state', 'closed');
  }

  #incoming(channel: RTCDataChannel): void {
    if (channel.protocol === FILE_PROTOCOL) this.#receive(new ReceiveTransfer(channel));
    else if (channel.label === CHAT_LABEL) this.#takeChat(channel);
    else channel.close();
  }

  #receive(transfer: ReceiveTransfer): void {
    this.#receiving.add(transfer);
    transfer.on('change', () => transfer.ended && this.#receiving.delete(transfer));
    this.emit('file', transfer);
  }

  #takeChat(channel: RTCDataChannel): void {
    this.#chat = channel;
    let announced = false;
    const opened = () => {
      // A channel of the other side may be open already when it is told of, and say so once more.
      if (announced) return;
      announced = true;
      for (const text of this.#unsent.splice(0)) channel.send(text);
      this.emit('chatopen', undefined);
    };
    channel.onopen = opened;
    channel.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (typeof data === 'string') this.emit('chat', data.slice(0, MAX_CHAT_BYTES));
    };
    // The chat lives as long as the connection: when the other side ended it, some browsers tell this first.
    channel.onclose = () => this.close();
    if (channel.readyState === 'open') opened();
  }

  async #findPath(): Promise<void> {
    const report = await this.pc.getStats().catch(() => new Map<string, unknown>());
    const stats = [...report.values()] as Record<string, unknown>[];
    const byId = (id: unknown) => stats.find((entry) => entry['id'] === id);
    const transport = stats.find((entry) => entry['type'] === 'transport' && entry['selectedCandidatePairId']);
    const pair =
      byId(transport?.['selectedCandidatePairId']) ??
      stats.find((entry) => entry['type'] === 'candidate-pair' && entry['state'] === 'succeeded' && entry['nominated']);
    const [local, remote] = [byId(pair?.['localCandidateId']), byId(pair?.['remoteCandidateId'])];
    if (!local || !remote) return;
    const address = String(remote['address'] ?? local['address'] ?? '');
    if (local['candidateType'] === 'relay' || remote['candidateType'] === 'relay') this.path = 'relayed';
    else this.path = address.includes(':') ? 'direct-ipv6' : 'direct';
    this.emit('path', this.path);
  }
}

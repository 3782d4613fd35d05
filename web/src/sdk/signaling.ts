import { Emitter } from './emitter.ts';
import {
  parseServerMessage,
  SUBPROTOCOL,
  type ErrorMessage,
  type Goaway,
  type Joined,
  type Json,
  type Message,
  type PeerMessage,
  type PresenceData,
  type Ready,
  type ServerMessage,
  type Signal,
  type SignalBody,
  type Welcome,
} from './protocol.ts';

export class SignalingError extends Error {
  constructor(
    readonly code: string,
    message: string,
    /** Of `rate_limited`: try again after so many milliseconds. */
    readonly retryAfterMs?: number,
  ) {
    super(message);
    this.name = 'SignalingError';
  }
}

export type SignalingState = 'connecting' | 'connected' | 'reconnecting' | 'closed';

interface Events {
  state: SignalingState;
  joined: Joined;
  /** Others than before, or new credentials for them; after a reconnect too. */
  iceServers: RTCIceServer[];
  peer: PeerMessage;
  signal: Signal;
  message: Message;
  /** What answers no request: a signal that found nobody, or why the server ends the connection. */
  error: ErrorMessage;
}

/** The part of WebSocket that is used, so that tests can put golden transcripts in its place. */
export type Socket = Pick<WebSocket, 'send' | 'close' | 'readyState'> & {
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
};

export interface SignalingOptions {
  /** The id to ask for; by default the server makes one. */
  peer?: string;
  token?: string;
  openSocket?: (url: string) => Socket;
  /** What tells of changes of the network: by default the page (`online`, `offline`) and `navigator.connection`. */
  network?: NetworkNews;
}

/** Calls `changed` from now on; what it returns ends that. */
export type NetworkNews = (changed: () => void) => () => void;

const browserNews: NetworkNews = (changed) => {
  const { connection } = (globalThis.navigator ?? {}) as { connection?: EventTarget };
  const sources: [EventTarget | undefined, string][] = [
    [typeof globalThis.addEventListener === 'function' ? globalThis : undefined, 'online'],
    [typeof globalThis.addEventListener === 'function' ? globalThis : undefined, 'offline'],
    [connection, 'change'],
  ];
  for (const [source, type] of sources) source?.addEventListener?.(type, changed);
  return () => {
    for (const [source, type] of sources) source?.removeEventListener?.(type, changed);
  };
};

interface Pending {
  resolve: (message: never) => void;
  reject: (error: Error) => void;
  timer: ReturnType<typeof setTimeout>;
}

// signaling/protocol.md, "Heartbeat and going away".
const BACK_OFF_MS = [0, 300, 1200, 2700, 4800, 7000];
const NO_RETRY_CODES = new Set([4001, 4002, 4003, 4004, 4005, 4009, 4011]);
const IDLE_MS = 45_000;

/** From opening the socket to `ready`, and from a request to its reply. */
const ANSWER_MS = 10_000;
/** To a ping after a change of the network, or of a try that one met. */
const PROBE_MS = 3000;
/** A pause that is not worth cutting short. */
const BREATH_MS = 360;
/** A connection that lived this long starts the back-off anew; one that breaks at once, again and again, does not. */
const STABLE_MS = 10_000;

/**
 * The browser's client of linnet.1. `connect()` once; a lost socket is opened again by itself under the same peer id, and
 * the rooms are joined again, which shows as another `joined` event.
 */
export class SignalingClient extends Emitter<Events> {
  readonly url: string;
  #options: SignalingOptions;
  #socket: Socket | undefined;
  #state: SignalingState = 'connecting';
  #ready: Ready | undefined;
  #limit = 65_536;
  #seq = 0;
  #rooms = new Map<string, PresenceData>();
  #pending = new Map<number, Pending>();
  #nextId = 1;
  #attempt = 0;
  #notBeforeMs = 0;
  #mayRetry = true;
  /** Waits longer than it has to, if the network comes back meanwhile. */
  #patient = false;
  /** A change of the network is being looked into: a ping is out, or a try has little time. */
  #probing = false;
  #probeAgain = false;
  #pings = 0;
  #stopNews: (() => void) | undefined;
  #closed = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #watchdog: ReturnType<typeof setTimeout> | undefined;
  #stable: ReturnType<typeof setTimeout> | undefined;
  #connecting: Pick<Pending, 'resolve' | 'reject'> | undefined;

  constructor(url: string, options: SignalingOptions = {}) {
    super();
    this.url = url;
    this.#options = options;
  }

  get state(): SignalingState {
    return this.#state;
  }
  /** Our id; empty before `connect()` is done. */
  get peer(): string {
    return this.#ready?.peer ?? '';
  }
  /** For RTCConfiguration: those of `ready`, or what the server has pushed since. */
  get iceServers(): RTCIceServer[] {
    return this.#ready?.iceServers ?? [];
  }

  /** Once. Fails when the server cannot be reached or refuses us; it is not tried again then. */
  connect(): Promise<Ready> {
    return new Promise<Ready>((resolve, reject) => {
      if (this.#socket || this.#closed || this.#ready) {
        reject(new SignalingError('called_before', 'connect() was called before'));
        return;
      }
      this.#connecting = { resolve: resolve as (message: never) => void, reject };
      this.#stopNews = (this.#options.network ?? browserNews)(() => this.networkChanged());
      this.#open();
    });
  }

  async join(room: string, data: PresenceData = {}): Promise<Joined> {
    const joined = await this.#request<Joined>({ type: 'join', room, data });
    this.#rooms.set(room, data);
    return joined;
  }

  async leave(room: string): Promise<void> {
    this.#rooms.delete(room);
    // While the socket is away there is nothing to leave: the room is not joined again.
    if (this.#state === 'connected') await this.#request({ type: 'leave', room });
  }

  /** Replaces our presence data in `room`. */
  async update(room: string, data: PresenceData): Promise<void> {
    await this.#request({ type: 'update', room, data });
    if (this.#rooms.has(room)) this.#rooms.set(room, data);
  }

  /**
   * Sends one signal; `room` may be undefined while we are in one room only. While the socket is away it is dropped: ICE
   * restarts or offers again when it is back.
   */
  signal(to: string, room: string | undefined, body: SignalBody, conn?: string): void {
    this.#tell({ type: 'signal', to, ...(room ? { room } : {}), ...(conn ? { conn } : {}), ...body }, to);
  }

  /** Sends at most 4 KiB of data to one peer, or without `to` to everyone else in the room. */
  message(data: Json, to?: string, room?: string): void {
    this.#tell({ type: 'message', ...(to ? { to } : {}), ...(room ? { room } : {}), data }, to);
  }

  close(): void {
    if (this.#closed) return;
    const socket = this.#socket;
    this.#end(new SignalingError('closed', 'the signaling client was closed'));
    socket?.close(1000);
  }

  /**
   * The network is not what it was; called by itself where the browser tells. The server has a little time to answer a
   * ping; between two tries the next one comes at once, and the pauses start anew.
   */
  networkChanged(): void {
    // The first try is the page's: it waits for it, and hears of its end.
    if (this.#closed || !this.#ready) return;
    this.#attempt = 0;
    if (!this.#socket) {
      if (!this.#patient) return;
      this.#patient = false;
      clearTimeout(this.#retry);
      this.#retry = setTimeout(() => this.#open(), 0);
    } else if (this.#probing) {
      this.#probeAgain = true;
    } else {
      this.#probe();
    }
  }

  #probe(): void {
    this.#probing = true;
    if (this.#state === 'connected') this.#send({ type: 'ping', t: ++this.#pings });
    this.#watch(PROBE_MS);
  }

  /** Something was heard: the connection is alive, or was before the network changed once more. */
  #heard(): void {
    this.#probing = false;
    if (this.#probeAgain) {
      this.#probeAgain = false;
      this.#probe();
    } else {
      this.#watch(IDLE_MS);
    }
  }

  #open(): void {
    this.#probing = this.#probeAgain = false;
    const open = this.#options.openSocket ?? ((url: string) => new WebSocket(url, SUBPROTOCOL) as unknown as Socket);
    let socket: Socket;
    try {
      socket = open(this.url);
    } catch (error) {
      this.#lost({ code: 1006, reason: error instanceof Error ? error.message : String(error) });
      return;
    }
    this.#socket = socket;
    socket.onmessage = (event) => {
      if (socket !== this.#socket) return;
      if (this.#state === 'connected') this.#heard();
      const message = typeof event.data === 'string' ? parseServerMessage(event.data) : undefined;
      if (message) this.#receive(message);
    };
    socket.onclose = (event) => {
      if (socket === this.#socket) this.#lost(event);
    };
    this.#watch(ANSWER_MS);
  }

  /** Silence for so long means that the socket is dead: the server pings every 20 s. */
  #watch(ms: number): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => {
      const socket = this.#socket;
      this.#lost({ code: 1006, reason: 'the server went silent' });
      socket?.close(1000);
    }, ms);
  }

  #receive(message: ServerMessage): void {
    if ('seq' in message && typeof message.seq === 'number') this.#seq = message.seq;
    switch (message.type) {
      case 'welcome':
        this.#hello(message);
        break;
      case 'ready':
        this.#enter(message);
        break;
      case 'ice-servers':
        if (!this.#ready) break;
        this.#ready = { ...this.#ready, iceServers: message.iceServers };
        this.emit('iceServers', message.iceServers);
        break;
      case 'joined':
        this.emit('joined', message);
        this.#settle(message.id, message);
        break;
      case 'peer-joined':
      case 'peer-updated':
      case 'peer-away':
      case 'peer-left':
        this.emit('peer', message);
        break;
      case 'signal':
        this.emit('signal', message);
        break;
      case 'message':
        this.emit('message', message);
        break;
      case 'ping':
        this.#send({ type: 'pong', ...(message.t === undefined ? {} : { t: message.t }) });
        break;
      case 'ack':
        this.#settle(message.id, message);
        break;
      case 'error':
        this.#refused(message);
        break;
      case 'goaway':
        this.#goaway(message);
        break;
    }
  }

  #hello(welcome: Welcome): void {
    const limit = welcome.limits?.['message'];
    if (typeof limit === 'number') this.#limit = limit;
    const peer = this.#ready?.peer ?? this.#options.peer;
    const resume = this.#ready?.resume;
    this.#send({
      type: 'hello',
      client: 'linnet-web',
      caps: [],
      ...(peer ? { peer } : {}),
      ...(this.#options.token ? { token: this.#options.token } : {}),
      ...(resume ? { resume: { token: resume, seq: this.#seq } } : {}),
    });
  }

  #enter(ready: Ready): void {
    if (this.#state === 'connected') return;
    const again = this.#ready !== undefined;
    this.#ready = ready;
    if (!ready.resumed) this.#seq = 0;
    this.#stable = setTimeout(() => (this.#attempt = 0), STABLE_MS);
    this.#setState('connected');
    this.#heard();
    this.#connecting?.resolve(ready as never);
    this.#connecting = undefined;
    if (again) this.emit('iceServers', this.iceServers);
    for (const room of [...this.#rooms.keys()]) void this.#rejoin(room);
  }

  async #rejoin(room: string): Promise<void> {
    const data = this.#rooms.get(room);
    if (!data || this.#state !== 'connected') return;
    try {
      await this.#request<Joined>({ type: 'join', room, data });
    } catch (error) {
      // Lost again, or closed: the next `ready` comes here once more.
      if (!(error instanceof SignalingError) || this.#state !== 'connected' || error.code === 'lost') return;
      if (error.retryAfterMs !== undefined || error.code === 'timeout') {
        setTimeout(() => void this.#rejoin(room), error.retryAfterMs ?? 0);
        return;
      }
      this.#rooms.delete(room);
      this.emit('error', { type: 'error', code: error.code, message: `cannot join ${room} again: ${error.message}` });
    }
  }

  #goaway(message: Goaway): void {
    if (message.action === 'disconnect') this.#mayRetry = false;
    else this.#notBeforeMs = Math.min(Math.max(0, Number(message.afterMs) || 0), 60_000);
  }

  #refused(message: ErrorMessage): void {
    const error = new SignalingError(message.code, message.message, message.retryAfterMs);
    const pending = typeof message.id === 'number' ? this.#take(message.id) : undefined;
    if (pending) {
      pending.reject(error);
    } else if (this.#connecting) {
      // About `hello`: the server may wait for a better one, which will not come.
      const socket = this.#socket;
      this.#end(error);
      socket?.close(1000);
    } else {
      this.emit('error', message);
    }
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    if (!pending) return undefined;
    clearTimeout(pending.timer);
    this.#pending.delete(id);
    return pending;
  }

  #settle(id: string | number | undefined, message: Joined | { type: 'ack' }): void {
    if (typeof id === 'number') this.#take(id)?.resolve(message as never);
  }

  #lost(event: { code: number; reason: string }): void {
    clearTimeout(this.#watchdog);
    clearTimeout(this.#stable);
    this.#socket = undefined;
    if (this.#closed) return;
    if (!this.#ready) {
      this.#end(new SignalingError('unreachable', event.reason || `cannot reach ${this.url}`));
      return;
    }
    const error = new SignalingError('lost', 'the connection to the server was lost');
    if (!this.#mayRetry || NO_RETRY_CODES.has(event.code)) {
      this.#end(error);
      return;
    }
    this.#setState('reconnecting');
    this.#failPending(error);
    const pause = (BACK_OFF_MS[Math.min(this.#attempt++, BACK_OFF_MS.length - 1)] ?? 0) * (0.8 + 0.4 * Math.random());
    this.#patient = pause > BREATH_MS && this.#notBeforeMs === 0;
    this.#retry = setTimeout(() => this.#open(), Math.max(pause, this.#notBeforeMs));
    this.#notBeforeMs = 0;
  }

  /** For good: nothing is tried again. */
  #end(error: SignalingError): void {
    this.#closed = true;
    this.#stopNews?.();
    clearTimeout(this.#retry);
    clearTimeout(this.#watchdog);
    clearTimeout(this.#stable);
    this.#socket = undefined;
    this.#setState('closed');
    this.#connecting?.reject(error);
    this.#connecting = undefined;
    this.#failPending(error);
  }

  #request<Reply = unknown>(message: Record<string, unknown>): Promise<Reply> {
    return new Promise<Reply>((resolve, reject) => {
      if (this.#state !== 'connected') {
        reject(new SignalingError('not_connected', 'not connected to the server'));
        return;
      }
      const id = this.#nextId++;
      const timer = setTimeout(() => {
        this.#take(id)?.reject(new SignalingError('timeout', 'the server did not answer in time'));
      }, ANSWER_MS);
      this.#pending.set(id, { resolve: resolve as (message: never) => void, reject, timer });
      if (!this.#send({ ...message, id })) {
        this.#take(id)?.reject(new SignalingError('too_large', 'the request is larger than the server takes'));
      }
    });
  }

  /** Sends what has no reply of its own. */
  #tell(message: Record<string, unknown>, to: string | undefined): void {
    if (this.#state !== 'connected' || this.#send(message)) return;
    const text = 'the message is larger than the server takes';
    this.emit('error', { type: 'error', code: 'too_large', message: text, fatal: false, ...(to ? { to } : {}) });
  }

  /** False when it is too large: the server would end the connection for it. */
  #send(message: Record<string, unknown>): boolean {
    const text = JSON.stringify(message);
    if (text.length * 3 > this.#limit && new TextEncoder().encode(text).length > this.#limit) return false;
    if (this.#socket?.readyState === 1) this.#socket.send(text);
    return true;
  }

  #failPending(error: Error): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const request of pending) {
      clearTimeout(request.timer);
      request.reject(error);
    }
  }

  #setState(state: SignalingState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.emit('state', state);
  }
}

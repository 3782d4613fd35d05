import { Emitter } from './emitter.ts';
import { Peer } from './peer.ts';
import type { Joined, PeerMessage, PresenceData, Signal } from './protocol.ts';
import { SignalingClient, type SignalingState } from './signaling.ts';

interface Events {
  peers: void;
  peer: Peer;
  left: Peer;
  signaling: SignalingState;
}

/** A room and the connections to everybody in it. */
export class Room extends Emitter<Events> {
  readonly name: string;
  readonly peers = new Map<string, Peer>();
  #client: SignalingClient;

  private constructor(name: string, client: SignalingClient) {
    super();
    this.name = name;
    this.#client = client;
    client.on('state', (state) => this.emit('signaling', state));
    client.on('iceServers', (servers) => this.peers.forEach((peer) => peer.setIceServers(servers)));
    client.on('joined', (joined) => this.#joined(joined));
    client.on('peer', (message) => this.#presence(message));
    client.on('signal', (signal) => this.#signal(signal));
    client.on('error', ({ code, to }) => {
      const peer = code === 'peer_unavailable' && to !== undefined ? this.peers.get(to) : undefined;
      if (peer && peer.state !== 'connected') this.#drop(peer);
    });
  }

  /** Connects to the server, joins the room and calls everybody who is there. */
  static async join(server: string, name: string, data: PresenceData, prepare?: (room: Room) => void): Promise<Room> {
    const client = new SignalingClient(server);
    const room = new Room(name, client);
    prepare?.(room);
    await client.connect();
    try {
      await client.join(name, data);
    } catch (error) {
      client.close();
      throw error;
    }
    return room;
  }

  get self(): string {
    return this.#client.peer;
  }
  get signaling(): SignalingState {
    return this.#client.state;
  }

  leave(): void {
    for (const peer of [...this.peers.values()]) this.#drop(peer);
    // Said first, so that the others see us leave rather than get lost.
    void this.#client.leave(this.name).catch(() => undefined);
    this.#client.close();
  }

  #joined(joined: Joined): void {
    if (joined.room !== this.name) return;
    // Who left while we were away from the server was not announced.
    const present = new Set(joined.peers.map((info) => info.peer));
    for (const peer of [...this.peers.values()]) {
      if (!present.has(peer.id) && peer.state !== 'connected') this.#drop(peer);
    }
    for (const info of joined.peers) {
      if (info.peer === this.self) continue;
      const known = this.peers.get(info.peer);
      // Signaling was lost for a while; a connection may not even have noticed.
      if (known) known.data = info.data;
      if (known?.state === 'connected' && known.unanswered) {
        known.restartIce();
        continue;
      }
      if (known?.state === 'connected') {
        known.doubtful = true;
        continue;
      }
      if (known?.canRestart) {
        known.restartIce();
        continue;
      }
      // What was under way may have lost a description or candidate, and would wait for it for ever.
      if (known) this.#drop(known);
      this.#add(info.peer, info.data).call();
    }
    this.emit('peers', undefined);
  }

  #presence(message: PeerMessage): void {
    if (message.room !== this.name || message.peer === this.self) return;
    const known = this.peers.get(message.peer);
    switch (message.type) {
      case 'peer-joined':
        if (!known) {
          this.#add(message.peer, message.data ?? {});
          break;
        }
        known.data = message.data ?? known.data;
        // It was away from the server, and the answer may have been lost there.
        if (known.lives && known.unanswered) known.restartIce();
        break;
      case 'peer-updated':
        if (known) known.data = message.data ?? known.data;
        break;
      case 'peer-left':
        // A peer whose socket broke, or that came back from another network, may still be talking to us: it goes when
        // its connection does.
        if (known && !((message.reason === 'lost' || message.reason === 'replaced') && known.lives)) this.#drop(known);
        break;
      case 'peer-away':
        break;
    }
    this.emit('peers', undefined);
  }

  #signal(signal: Signal): void {
    if (signal.room && signal.room !== this.name) return;
    const peer = this.peers.get(signal.from);
    if (!peer) return;
    const { description } = signal;
    if (!description || !peer.isOfAnother(description)) {
      void peer.receive(signal);
      return;
    }
    // The peer began anew, under the same id, before our connection to it noticed: we do too.
    this.#drop(peer);
    const fresh = this.#add(signal.from, peer.data);
    if (description.type === 'offer') void fresh.receive(signal);
    else fresh.call();
  }

  #add(id: string, data: PresenceData): Peer {
    const peer = new Peer(id, data, this.self, this.#client.iceServers, (body) => this.#client.signal(id, this.name, body));
    this.peers.set(id, peer);
    peer.on('state', (state) => {
      if (this.peers.get(id) === peer) {
        // Who lost the server just before lost the network: the peer has to hear of the new one.
        const moved = state === 'disconnected' && peer.doubtful && this.signaling === 'connected';
        if (state === 'disconnected') peer.doubtful = false;
        if (moved || state === 'failed') peer.restartIce();
      }
      if (state === 'closed') this.#drop(peer);
      this.emit('peers', undefined);
    });
    peer.on('path', () => this.emit('peers', undefined));
    this.emit('peer', peer);
    return peer;
  }

  #drop(peer: Peer): void {
    if (this.peers.get(peer.id) !== peer) return;
    this.peers.delete(peer.id);
    peer.close();
    this.emit('left', peer);
    this.emit('peers', undefined);
  }
}

// coturn, the TURN server that most of the world runs: in the foreground, with a configuration, a certificate and ports of its own.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { folder, type BrowserName } from './harness.ts';

export type TurnTransport = 'udp' | 'tcp' | 'tls';

/** An address of this machine that is not loopback: browsers relay to no other. */
function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}

async function freePort(host: string): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer().on('error', fail);
    server.listen(0, host, () => {
      const address = server.address();
      server.close(() => done(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

function openssl(...args: string[]): void {
  const done = spawnSync('openssl', args, { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`openssl ${args[0]}: ${done.error?.message ?? done.stderr}`);
}

export class Coturn {
  readonly secret = 'the secret that coturn and linnet serve share';
  readonly secretFile: string;
  /** The certificate of the authority that signed the server's. */
  readonly authority: string;
  #process: ChildProcess | undefined;
  #log: string;

  private constructor(
    /** Its name, where `run` made one; else its address. */
    readonly host: string,
    readonly address: string,
    readonly port: number,
    readonly tlsPort: number,
    readonly where: string,
  ) {
    this.authority = join(where, 'authority.pem');
    this.secretFile = join(where, 'secret');
    this.#log = join(where, 'log');
  }

  static async start(): Promise<Coturn> {
    const address = ownAddress();
    const name = 'turn.linnet.test';
    const named = await lookup(name).then(
      (found) => found.address === address,
      () => false,
    );
    const coturn = new Coturn(named ? name : address, address, await freePort(address), await freePort(address), folder());
    await coturn.#run();
    return coturn;
  }

  /** Firefox takes a server over TLS by its name alone; Chromium asks a name server for names, and in a namespace there is none. */
  url(transport: TurnTransport, browser: BrowserName): string {
    const host = browser === 'Firefox' ? this.host : this.address;
    return transport === 'tls' ? `turns:${host}:${this.tlsPort}?transport=tcp` : `turn:${host}:${this.port}?transport=${transport}`;
  }
  /** With credentials that last an hour, as draft-uberti-behave-turn-rest has them. */
  iceServer(transport: TurnTransport, browser: BrowserName): RTCIceServer {
    const username = `${Math.floor(Date.now() / 1000) + 3600}:test`;
    return { urls: this.url(transport, browser), username, credential: createHmac('sha1', this.secret).update(username).digest('base64') };
  }
  log(): string {
    return readFileSync(this.#log, 'utf8');
  }

  async stop(): Promise<void> {
    const process = this.#process;
    if (!process || process.exitCode !== null || process.signalCode !== null) return;
    const ended = new Promise((done) => process.on('close', done));
    process.kill('SIGKILL');
    await ended;
  }

  /** Browsers take none that signed itself. */
  #certificate(): { certificate: string; key: string } {
    const file = (name: string) => join(this.where, name);
    const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    openssl('req', '-x509', ...newKey, '-subj', '/CN=linnet test authority', '-keyout', file('authority.key'), '-out', this.authority);
    openssl('req', ...newKey, '-subj', '/CN=turn.test', '-keyout', file('key.pem'), '-out', file('request.pem'));
    writeFileSync(file('extensions'), `subjectAltName=IP:${this.address},DNS:turn.linnet.test\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n`);
    const signer = ['-CA', this.authority, '-CAkey', file('authority.key'), '-CAcreateserial', '-days', '2'];
    openssl('x509', '-req', '-in', file('request.pem'), ...signer, '-extfile', file('extensions'), '-out', file('cert.pem'));
    return { certificate: file('cert.pem'), key: file('key.pem') };
  }
  async #run(): Promise<void> {
    const { certificate, key } = this.#certificate();
    writeFileSync(this.secretFile, `${this.secret}\n`);
    const configuration = join(this.where, 'turnserver.conf');
    writeFileSync(
      configuration,
      [
        `listening-ip=${this.address}`,
        `relay-ip=${this.address}`,
        `listening-port=${this.port}`,
        `tls-listening-port=${this.tlsPort}`,
        'realm=linnet.test',
        'use-auth-secret',
        `static-auth-secret=${this.secret}`,
        `cert=${certificate}`,
        `pkey=${key}`,
        'no-cli',
        'no-dtls',
        'verbose',
        'simple-log',
        'log-file=stdout',
        `userdb=${join(this.where, 'turndb')}`,
        `pidfile=${join(this.where, 'pid')}`,
        '',
      ].join('\n'),
    );
    const out = openSync(this.#log, 'w');
    this.#process = spawn('turnserver', ['-c', configuration], { stdio: ['ignore', out, out] });
    closeSync(out);
    const deadline = Date.now() + 20_000;
    for (const port of [this.port, this.tlsPort]) {
      while (!(await this.#answers(port))) {
        if (Date.now() > deadline) throw new Error(`coturn does not answer at port ${port}:\n${this.log()}`);
        await new Promise((wake) => setTimeout(wake, 50));
      }
    }
  }
  #answers(port: number): Promise<boolean> {
    return new Promise((done) => {
      const socket = connect(port, this.address);
      socket.on('connect', () => done(true)).on('error', () => done(false));
      socket.on('connect', () => socket.destroy());
    });
  }
}

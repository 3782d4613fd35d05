// Starts the real program and real browsers for the tests, and ends only what it started.
import { spawn, type ChildProcess, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, existsSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, writeSync, closeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { after } from 'node:test';
import { chromium, firefox, type Browser, type BrowserContext, type Page } from 'playwright-core';

// The tests are started from the project's root or from web/.
const root = existsSync('script/test') ? resolve('.') : resolve('..');
export const program = process.env['LINNET_PROGRAM'] ?? join(root, 'build/dev/bin/linnet');
export const screenshots = join(root, 'build/screenshots');

export type BrowserName = 'Chromium' | 'Firefox';
export const browsers: BrowserName[] = (process.env['LINNET_BROWSERS']?.split(',') as BrowserName[]) ?? ['Chromium', 'Firefox'];

type Event = Record<string, unknown> & { event?: string };

/** One run of `linnet`; its standard output as lines, its JSON events to wait for. */
export class Program {
  readonly lines: string[] = [];
  readonly errors: string[] = [];
  readonly exited: Promise<number>;
  onLine: (line: string) => void = () => undefined;
  #process: ChildProcessWithoutNullStreams;
  #waiting = new Set<() => void>();

  constructor(args: string[], environment: Record<string, string> = {}) {
    this.#process = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...environment } });
    this.#process.stdin.on('error', () => undefined);
    createInterface(this.#process.stdout).on('line', (line) => {
      this.lines.push(line);
      this.onLine(line);
      for (const wake of [...this.#waiting]) wake();
    });
    createInterface(this.#process.stderr).on('line', (line) => {
      this.errors.push(line);
      for (const wake of [...this.#waiting]) wake();
    });
    this.exited = new Promise((done) => this.#process.on('close', (code, signal) => done(code ?? (signal ? 128 : -1))));
    running.add(this);
  }

  write(line: string): void {
    this.#process.stdin.write(`${line}\n`);
  }
  endInput(): void {
    this.#process.stdin.end();
  }

  events(name: string): Event[] {
    const found: Event[] = [];
    for (const line of this.lines) {
      const event = JSON.parse(line) as Event;
      if (event.event === name) found.push(event);
    }
    return found;
  }

  /** The first event of that name which fits. */
  async event(name: string, fits: (event: Event) => boolean = () => true, ms = 30_000): Promise<Event> {
    return this.until(() => this.events(name).find(fits), `event ${name}`, ms);
  }

  async until<T>(look: () => T | undefined, what: string, ms = 30_000): Promise<T> {
    const deadline = Date.now() + ms;
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`waited for ${what}; out:\n${this.lines.slice(-30).join('\n')}\nerr:\n${this.errors.slice(-30).join('\n')}`);
      await new Promise<void>((wake) => {
        const timer = setTimeout(done, Math.min(left, 1000));
        const waiting = this.#waiting;
        function done() {
          clearTimeout(timer);
          waiting.delete(done);
          wake();
        }
        waiting.add(done);
      });
    }
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    running.delete(this);
    if (this.#process.exitCode === null && this.#process.signalCode === null) this.#process.kill(signal);
    return this.exited;
  }
}

const running = new Set<Program>();
export async function stopPrograms(): Promise<void> {
  await Promise.all([...running].map((each) => each.stop('SIGKILL')));
}

export async function serve(more: string[] = []): Promise<{ server: Program; url: string }> {
  const server = new Program(['serve', '--port', '0', '--json', '--web', join(root, 'web/dist'), ...more]);
  const { url } = await server.event('serving');
  return { server, url: String(url) };
}

export interface Opened {
  context: BrowserContext;
  downloads: string;
  close: () => Promise<void>;
}

const chromiumArguments = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export interface OpenOptions {
  /** More command line arguments of Chromium. */
  chromium?: string[];
  /** The file of an authority whose certificates the browser trusts, of TURN servers too. */
  authority?: string;
}

export async function open(name: BrowserName, options: OpenOptions = {}): Promise<Opened> {
  const downloads = folder();
  // Each browser has a way of its own to trust a certificate, and neither is one that Playwright offers for TURN servers.
  if (name === 'Chromium') {
    const trusting = options.authority ? ['--ignore-certificate-errors'] : [];
    const args = [...chromiumArguments, ...trusting, ...(options.chromium ?? [])];
    const browser = await chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', args });
    return opened(browser, downloads);
  }
  const path = process.env['FIREFOX'] ?? '/usr/bin/firefox-esr';
  const browser = await firefox.launch({
    channel: 'moz-firefox',
    executablePath: options.authority ? join(root, 'tests/browser/firefox-trusting') : path,
    env: { ...process.env, LINNET_FIREFOX: path, LINNET_AUTHORITY: options.authority },
    // Newer versions take the folder from here, older ones from the settings.
    downloadsPath: downloads,
    firefoxUserPrefs: {
      'browser.download.folderList': 2,
      'browser.download.dir': downloads,
      'browser.helperApps.neverAsk.saveToDisk': 'application/octet-stream',
      'browser.download.always_ask_before_handling_new_types': false,
    },
  });
  return opened(browser, downloads);
}

async function opened(browser: Browser, downloads: string): Promise<Opened> {
  browsersOpen.add(browser);
  browser.on('disconnected', () => browsersOpen.delete(browser));
  return { context: await browser.newContext(), downloads, close: () => browser.close() };
}

// A test that ran out of time leaves all of this; the file's process would wait for it without an end.
const browsersOpen = new Set<Browser>();
after(async () => {
  await Promise.all([...browsersOpen].map((browser) => browser.close()));
  await stopPrograms();
  removeFolders();
});

/** Waits until `look` gives something, in the page's own time. */
export async function eventually<T>(look: () => Promise<T | undefined | false> | T | undefined | false, what: string, ms = 30_000): Promise<T> {
  const deadline = Date.now() + ms;
  for (;;) {
    const found = await look();
    if (found) return found as T;
    if (Date.now() > deadline) throw new Error(`waited for ${what}`);
    await new Promise((wake) => setTimeout(wake, 25));
  }
}

const folders: string[] = [];
export function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'linnet-browser-'));
  folders.push(made);
  return made;
}
export function removeFolders(): void {
  for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true });
}

export function randomFile(path: string, size: number): void {
  const file = openSync(path, 'w');
  for (let left = size; left > 0; left -= 1 << 20) writeSync(file, randomBytes(Math.min(left, 1 << 20)));
  closeSync(file);
}
export function hash(path: string): Promise<string> {
  return new Promise((done, fail) => {
    const sum = createHash('sha256');
    createReadStream(path)
      .on('data', (part) => sum.update(part))
      .on('end', () => done(sum.digest('hex')))
      .on('error', fail);
  });
}
export function fileOfSize(where: string, name: string, size: number): string | undefined {
  const found = readdirSync(where).find((each) => each === name);
  return found && statSync(join(where, found)).size === size ? join(where, found) : undefined;
}

export type { ChildProcess, Page };

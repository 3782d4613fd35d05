// Builds the page into dist/, with --tests the unit tests into dist-test/, with --browser-tests those of ../tests/browser into
// dist-browser-test/. Nothing is fetched at run time.
import { build } from 'esbuild';
import { cp, mkdir, readdir, rm } from 'node:fs/promises';

async function buildTests(from, to) {
  await rm(to, { recursive: true, force: true });
  const files = (await readdir(from)).filter((name) => name.endsWith('.test.ts'));
  await build({
    entryPoints: files.map((name) => `${from}/${name}`),
    outdir: to,
    external: ['playwright-core'],
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node18',
    sourcemap: 'inline',
    logLevel: 'warning',
  });
}

if (process.argv.includes('--tests')) {
  await buildTests('test', 'dist-test');
} else if (process.argv.includes('--browser-tests')) {
  await buildTests('../tests/browser', 'dist-browser-test');
} else {
  await rm('dist', { recursive: true, force: true });
  await mkdir('dist/assets', { recursive: true });
  await cp('public', 'dist', { recursive: true });
  await build({
    entryPoints: { app: 'src/app/main.tsx', sdk: 'src/sdk/index.ts' },
    outdir: 'dist/assets',
    bundle: true,
    format: 'esm',
    target: ['chrome110', 'firefox115', 'safari16'],
    minify: true,
    sourcemap: true,
    jsx: 'automatic',
    jsxImportSource: 'preact',
    logLevel: 'warning',
  });
}

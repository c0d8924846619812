// Bundles the functions for deployment: `node local/build.ts [--outdir DIR]`. What one invocation does not need stays in a
// chunk of its own, so that a cold start loads no SDK before something asks for it.
import { glob, rm } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Metafile, build } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * Leaves `functions/**.js` (one module for each source: what the host's `main` glob matches) and `chunks/` in `outdir`;
 * what stood there before goes.
 */
export async function buildApp(outdir: string): Promise<Metafile> {
  for (const folder of ['functions', 'chunks']) {
    await rm(join(outdir, folder), { recursive: true, force: true });
  }
  const entryPoints: string[] = [];
  for await (const file of glob('functions/**/*.ts', { cwd: ROOT })) entryPoints.push(file);
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: entryPoints.sort(),
    outbase: '.',
    outdir,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    minifySyntax: true,
    minifyWhitespace: true,
    sourcemap: true,
    sourcesContent: false,
    metafile: true,
    // The Functions runtime puts it into the process; @azure/functions asks for it when the first function registers.
    external: ['@azure/functions-core'],
    // For that request, and for what the CommonJS packages ask of Node.
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
  return metafile;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { outdir: { type: 'string', default: 'dist' } } });
  const started = performance.now();
  const outdir = resolve(values.outdir);
  const { outputs } = await buildApp(outdir);
  const modules = Object.entries(outputs).filter(([name]) => name.endsWith('.js'));
  const kilobytes = modules.reduce((sum, [, { bytes }]) => sum + bytes, 0) / 1000;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(
    `${relative(process.cwd(), outdir) || '.'}: ${modules.length} modules, ${kilobytes.toFixed(0)} kB, in ${seconds} s\n`,
  );
}

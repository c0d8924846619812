// Loads the modules that a glob matches as the Functions runtime would, and prints what they registered.
import { glob } from 'node:fs/promises';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { installCoreModule } from '../../local/host/core-module.ts';

const core = installCoreModule(({ message }) => process.stderr.write(`${message}\n`));
const files: string[] = [];
for await (const file of glob(process.argv[2]!)) files.push(file);
for (const file of files.sort()) await import(pathToFileURL(file).href);
const registered = [...core.functions.values()].map(({ metadata }) => metadata);
process.stdout.write(JSON.stringify(registered));

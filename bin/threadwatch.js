#!/usr/bin/env node
// `npx threadwatch …` and `npm start`: the command line of `local/cli.ts`, on the pinned Node.
import { join } from 'node:path';
import { argv } from 'node:process';
import { launch, root } from './launch.js';

launch([join(root, 'local', 'cli.ts'), ...argv.slice(2)]);

// The command line, `threadwatch <command>`: finds the command, gives it its arguments, turns its end into an exit code.
import process from 'node:process';
import { type Command, type CommandIo, UsageError } from './commands/command.ts';

/** Commands load on use, so that `threadwatch decode` does not pay for a cloud SDK. */
const COMMANDS: readonly { name: string; summary: string; load: () => Promise<Command> }[] = [
  {
    name: 'start',
    summary: 'the whole platform on this machine; plays the sample fleet and shows its alerts',
    load: async () => (await import('./commands/start.ts')).command,
  },
  {
    name: 'replay',
    summary: 'run a capture through the functions and print every alert',
    load: async () => (await import('./commands/replay.ts')).command,
  },
  {
    name: 'decode',
    summary: 'print security messages as JSON',
    load: async () => (await import('./commands/decode.ts')).command,
  },
  {
    name: 'quarantine list',
    summary: 'messages that were refused, with the reason',
    load: async () => (await import('./commands/quarantine-list.ts')).command,
  },
  {
    name: 'quarantine show',
    summary: 'the bytes of a refused message',
    load: async () => (await import('./commands/quarantine-show.ts')).command,
  },
  {
    name: 'feeds status',
    summary: 'how each feed is, and what is wrong with it',
    load: async () => (await import('./commands/feeds-status.ts')).command,
  },
  {
    name: 'feeds list',
    summary: 'the configured feeds',
    load: async () => (await import('./commands/feeds-list.ts')).command,
  },
  {
    name: 'feeds schema',
    summary: 'the JSON schema of the configuration of feeds, for editors',
    load: async () => (await import('./commands/feeds-schema.ts')).command,
  },
  {
    name: 'feeds starter',
    summary: 'feeds that anybody may use, with licence and terms',
    load: async () => (await import('./commands/feeds-starter.ts')).command,
  },
  {
    name: 'feeds add',
    summary: 'configure feeds',
    load: async () => (await import('./commands/feeds-add.ts')).command,
  },
  {
    name: 'feeds remove',
    summary: 'take feeds out of the configuration',
    load: async () => (await import('./commands/feeds-remove.ts')).command,
  },
  {
    name: 'feeds refresh',
    summary: 'fetch feeds now, and wait until that is done',
    load: async () => (await import('./commands/feeds-refresh.ts')).command,
  },
  {
    name: 'feeds accept',
    summary: 'put the state of a feed that is held back in use',
    load: async () => (await import('./commands/feeds-accept.ts')).command,
  },
  {
    name: 'feeds rollback',
    summary: 'put an earlier state of a feed in use',
    load: async () => (await import('./commands/feeds-rollback.ts')).command,
  },
  {
    name: 'feeds parse',
    summary: 'print the indicators of a feed file, and what is refused',
    load: async () => (await import('./commands/feeds-parse.ts')).command,
  },
  {
    name: 'allowlist list',
    summary: 'the addresses that you vouch for',
    load: async () => (await import('./commands/allowlist-list.ts')).command,
  },
  {
    name: 'allowlist add',
    summary: 'vouch for an address or network: contact with it raises nothing',
    load: async () => (await import('./commands/allowlist-add.ts')).command,
  },
  {
    name: 'allowlist remove',
    summary: 'no longer vouch for an address or network',
    load: async () => (await import('./commands/allowlist-remove.ts')).command,
  },
  {
    name: 'allowlist apply',
    summary: 'make the allowlist what a file says',
    load: async () => (await import('./commands/allowlist-apply.ts')).command,
  },
  {
    name: 'groups list',
    summary: 'the security groups and the rules that are set in them',
    load: async () => (await import('./commands/groups-list.ts')).command,
  },
  {
    name: 'groups apply',
    summary: 'make security groups what files say',
    load: async () => (await import('./commands/groups-apply.ts')).command,
  },
  {
    name: 'groups export',
    summary: 'the security groups as files',
    load: async () => (await import('./commands/groups-export.ts')).command,
  },
  {
    name: 'explain',
    summary: 'who lists an address, what a contact would raise, and which devices had one',
    load: async () => (await import('./commands/explain.ts')).command,
  },
  {
    name: 'hunt',
    summary: 'which devices talked to an address, in all that the log holds',
    load: async () => (await import('./commands/hunt.ts')).command,
  },
  {
    name: 'rebuild',
    summary: 'make alerts and runs again from the activity log alone',
    load: async () => (await import('./commands/rebuild.ts')).command,
  },
  {
    name: 'index build',
    summary: 'build an indicator snapshot from a folder of feed files',
    load: async () => (await import('./commands/index-build.ts')).command,
  },
  {
    name: 'index lookup',
    summary: 'ask a snapshot who lists an address',
    load: async () => (await import('./commands/index-lookup.ts')).command,
  },
  {
    name: 'index stat',
    summary: 'what a snapshot holds',
    load: async () => (await import('./commands/index-stat.ts')).command,
  },
];

function overview(): string {
  const width = Math.max(...COMMANDS.map((command) => command.name.length));
  const lines = COMMANDS.map((c) => `  ${c.name.padEnd(width)}  ${c.summary}`);
  return `usage: threadwatch <command> [options]\n\n${lines.join('\n')}\n\nthreadwatch <command> --help tells more.\n`;
}

async function main(argv: readonly string[]): Promise<number> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => stop.abort());
  }
  const io: CommandIo = {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    signal: stop.signal,
  };
  // A reader that has seen enough (`| head`) is not an error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  if (argv.length === 0 || argv[0] === '--help' || argv[0] === '-h' || argv[0] === 'help') {
    (argv.length === 0 ? io.stderr : io.stdout).write(overview());
    return argv.length === 0 ? 2 : 0;
  }
  const found =
    COMMANDS.find((command) => command.name === `${argv[0]} ${argv[1]}`) ??
    COMMANDS.find((command) => command.name === argv[0]);
  const group = COMMANDS.filter((command) => command.name.startsWith(`${argv[0]} `));
  if (found === undefined && group.length > 0) {
    const names = group.map(({ name, summary }) => `  ${name}  ${summary}\n`).join('');
    const asked = argv[1] === '--help' || argv[1] === '-h';
    if (asked) io.stdout.write(`threadwatch ${argv[0]} is one of:\n${names}`);
    else io.stderr.write(`threadwatch: there is no command "${argv[0]}" alone, but:\n${names}`);
    return asked ? 0 : 2;
  }
  if (found === undefined) {
    io.stderr.write(`threadwatch: there is no command "${argv[0]}"\n\n${overview()}`);
    return 2;
  }
  const args = argv.slice(found.name.split(' ').length);
  const command = await found.load();
  if (args.includes('--help') || args.includes('-h')) {
    io.stdout.write(`usage: threadwatch ${command.usage}\n`);
    return 0;
  }
  try {
    return await command.run(args, io);
  } catch (error) {
    // node:util's parseArgs marks what it refuses with such codes.
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (error instanceof UsageError || code.startsWith('ERR_PARSE_ARGS')) {
      io.stderr.write(`threadwatch ${found.name}: ${(error as Error).message}\n`);
      io.stderr.write(`threadwatch ${found.name} --help tells more.\n`);
      return 2;
    }
    io.stderr.write(
      `threadwatch ${found.name}: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    if (io.env['THREADWATCH_DEBUG'] !== undefined && error instanceof Error)
      io.stderr.write(`${error.stack}\n`);
    return 1;
  }
}

const exitCode = await main(process.argv.slice(2));
// Whatever a library left open must not keep a finished command alive; what was printed goes out first.
process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)));

import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { API_OPTIONS, API_USAGE, openApi } from '../api-client.ts';
import { ProgressLine } from '../console/progress-line.ts';
import { type Command, type CommandIo, UsageError, write } from './command.ts';

/** What `GET /api/rebuild` says. */
interface Rebuild {
  readonly status: string;
  readonly progress: { readonly step: string; readonly windows: number } | null;
  readonly output: unknown;
}

const POLL_MS = 1000;

export const command: Command = {
  name: 'rebuild',
  summary: 'make alerts and runs again from the activity log alone',
  usage: `rebuild [--no-wait] [--url URL] [--key KEY] [--data DIR] [--json]

Has a running Threadwatch forget how far it has counted, and count everything in its activity log again: alerts that were
lost come back with their ids and counts, those that stand stay as they are, runs are written anew, and windows are held
to the groups that they were held to then. What people decided (resolved, dismissed) is not in the log: of an alert that
was lost it is lost too. Ctrl-C stops the waiting, not the rebuild.

  --no-wait    ask only
${API_USAGE}
  --json       one JSON object in the end`,

  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...API_OPTIONS,
        'no-wait': { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    });
    if (positionals.length > 0) throw new UsageError('rebuild takes no argument');
    const api = openApi(values, io);
    const { started } = (await api.post<{ started: boolean }>('rebuild')).body;
    if (!started) io.stderr.write('a rebuild is on its way already\n');
    const state = values['no-wait'] ? null : await followed(() => api.get<Rebuild>('rebuild'), io);
    await write(
      io.stdout,
      values.json ? `${JSON.stringify({ started, ...state })}\n` : textOf(state),
    );
    return state === null || state.status === 'Completed' ? 0 : 1;
  },
};

async function followed(
  ask: () => Promise<{ readonly body: Rebuild }>,
  io: CommandIo,
): Promise<Rebuild> {
  const progress = new ProgressLine(io.stderr);
  try {
    for (;;) {
      const { body } = await ask();
      if (['Completed', 'Failed', 'Terminated', 'Canceled'].includes(body.status)) return body;
      progress.show(`rebuilding: ${stepText(body)}`);
      await wait(POLL_MS, undefined, { signal: io.signal }).catch(() => {});
      if (io.signal.aborted) throw new Error('the rebuild goes on without you');
    }
  } finally {
    progress.clear();
  }
}

function stepText({ progress }: Rebuild): string {
  if (progress === null) return 'waiting to begin';
  return progress.step === 'windows' ? `${progress.windows} windows closed` : progress.step;
}

function textOf(state: Rebuild | null): string {
  if (state === null) return 'the rebuild was asked for\n';
  const windows = state.progress?.windows ?? 0;
  return state.status === 'Completed'
    ? `rebuilt: everything in the log is counted, ${windows} windows closed again\n`
    : `the rebuild ended as ${state.status}: ${JSON.stringify(state.output)}\n`;
}

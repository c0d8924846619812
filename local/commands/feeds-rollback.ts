import { API_USAGE } from '../api-client.ts';
import { changeState } from '../feeds/change-state.ts';
import type { Command } from './command.ts';

export const command: Command = {
  name: 'feeds rollback',
  summary: 'put an earlier state of a feed in use',
  usage: `feeds rollback NAME [--state STATE] [--url URL] [--key KEY] [--data DIR] [--json]

Goes back to the state that a feed had before, and publishes that at once. The feed stays there: what its source lists from
then on is held until "feeds accept NAME", or until the source lists that earlier state again.

  --state STATE  an earlier state, by its id or the beginning of it; "feeds status NAME" lists them
${API_USAGE}
  --json       one JSON object`,

  run: (args, io) => changeState(args, io, 'rollback'),
};

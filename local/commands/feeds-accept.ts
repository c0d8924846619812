import { API_USAGE } from '../api-client.ts';
import { changeState } from '../feeds/change-state.ts';
import type { Command } from './command.ts';

export const command: Command = {
  name: 'feeds accept',
  summary: 'put the state of a feed that is held back in use',
  usage: `feeds accept NAME [--state STATE] [--url URL] [--key KEY] [--data DIR] [--json]

A feed that turned empty, shrank, grew or changed beyond belief keeps its last good state; "feeds status NAME" tells why.
This says that the new state is right: it is published at once.

  --state STATE  only if this is the state that is held, by its id or the beginning of it: a refresh may bring another
${API_USAGE}
  --json       one JSON object`,

  run: (args, io) => changeState(args, io, 'accept'),
};

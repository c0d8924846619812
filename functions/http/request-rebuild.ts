import {
  type HttpRequest,
  type HttpResponseInit,
  type InvocationContext,
  app,
} from '@azure/functions';
import * as df from 'durable-functions';
import { answering } from '../../shared/format/http-problem.ts';
import { startOnce } from '../../shared/pipeline/start-once.ts';
import { REBUILD } from '../orchestrations/rebuild.ts';

/** `POST /api/rebuild`: makes alerts and runs again from the log. One at a time: a second asks for nothing more. */
export async function requestRebuild(
  _request: HttpRequest,
  context: InvocationContext,
): Promise<HttpResponseInit> {
  return answering(async () => {
    const started = await startOnce(df.getClient(context), REBUILD, REBUILD, null);
    return { status: 202, headers: { location: '/api/rebuild' }, jsonBody: { started } };
  });
}

app.http('requestRebuild', {
  methods: ['POST'],
  route: 'rebuild',
  authLevel: 'function',
  extraInputs: [df.input.durableClient()],
  handler: requestRebuild,
});

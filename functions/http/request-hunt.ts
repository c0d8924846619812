import { type HttpRequest, type HttpResponseInit, app } from '@azure/functions';
import { jsonOfBody } from '../../shared/format/http-body.ts';
import { answering } from '../../shared/format/http-problem.ts';
import { services } from '../../shared/wiring.ts';

/** A quarter of a million networks. */
const MAX_BODY = 16_000_000;

/** `POST /api/hunts`: `{"addresses": [...], "since": time or duration}`; the timer begins with it within a minute. */
export async function requestHunt(request: HttpRequest): Promise<HttpResponseInit> {
  return answering(async () => {
    const { requestHunt: ask } = await import('../../shared/pipeline/hunt/requested-hunts.ts');
    const hunt = await ask((await services()).hunts, await jsonOfBody(request, MAX_BODY));
    return { status: 202, headers: { location: `/api/hunts/${hunt.id}` }, jsonBody: hunt };
  });
}

app.http('requestHunt', {
  methods: ['POST'],
  route: 'hunts',
  authLevel: 'function',
  handler: requestHunt,
});

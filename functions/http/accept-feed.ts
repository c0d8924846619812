import { type HttpRequest, type HttpResponseInit, app } from '@azure/functions';
import { jsonOfBody } from '../../shared/format/http-body.ts';
import { answering } from '../../shared/format/http-problem.ts';
import { services } from '../../shared/wiring.ts';

const MAX_BODY = 10_000;

/** `POST /api/feeds/{name}/accept`: puts the state that is held back in use; with `{"state": "…"}` only that one. */
export async function acceptFeed(request: HttpRequest): Promise<HttpResponseInit> {
  return answering(async () => {
    const manage = await import('../../shared/pipeline/feeds/operate/manage-feeds.ts');
    const body = await jsonOfBody(request, MAX_BODY);
    const { feeds } = await services();
    const name = request.params['name'] ?? '';
    return { jsonBody: await manage.acceptFeed(await feeds(), name, body) };
  });
}

app.http('acceptFeed', {
  methods: ['POST'],
  route: 'feeds/{name}/accept',
  authLevel: 'function',
  handler: acceptFeed,
});

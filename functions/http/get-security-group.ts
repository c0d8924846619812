import { type HttpRequest, type HttpResponseInit, app } from '@azure/functions';
import { etagOf } from '../../shared/format/http-precondition.ts';
import { answering } from '../../shared/format/http-problem.ts';
import { GROUPS_ROUTE, groupRequest } from '../../shared/format/security-group/arm-request.ts';
import { groupResource } from '../../shared/format/security-group/group-resource.ts';
import { services } from '../../shared/wiring.ts';

/** `GET …/deviceSecurityGroups/{name}`: one group with its ETag. */
export async function getSecurityGroup(request: HttpRequest): Promise<HttpResponseInit> {
  return answering(async () => {
    const { getGroup } = await import('../../shared/pipeline/groups/manage-groups.ts');
    const { scope, name } = groupRequest(request);
    const { groups } = await services();
    const { group, version } = await getGroup(groups, name);
    const etag = etagOf(version);
    return { headers: { etag }, jsonBody: groupResource(group, scope, etag) };
  });
}

app.http('getSecurityGroup', {
  methods: ['GET'],
  route: `${GROUPS_ROUTE}/{name}`,
  authLevel: 'function',
  handler: getSecurityGroup,
});

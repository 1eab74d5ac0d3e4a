// Speaks to the stand-in as any App written in JavaScript would. Reads one JSON object from standard input; prints one
// JSON object: step -> what it saw, or {"error": why}. Whether that is right is judged by the test that runs this.
import { readFileSync } from "node:fs";
import { App, Octokit } from "octokit";
import { Webhooks } from "@octokit/webhooks";

const given = JSON.parse(readFileSync(0, "utf8"));
const { owner, repo, pull, sha } = given;
const app = new App({
  appId: given.appId,
  privateKey: given.privateKey,
  webhooks: { secret: given.webhookSecret },
  oauth: { clientId: given.clientId, clientSecret: "unused" },
  Octokit: Octokit.defaults({ baseUrl: given.apiUrl, throttle: { enabled: false }, retry: { enabled: false } }),
});
const seen = {};

async function step(name, work) {
  try {
    seen[name] = await work();
  } catch (error) {
    const response = error.response?.data ?? error.errors;
    seen[name] = { error: `${error.name} ${error.status ?? ""}: ${error.message} ${JSON.stringify(response ?? null)}` };
  }
  return seen[name];
}

await step("the app by its key", async () => (await app.octokit.rest.apps.getAuthenticated()).data.slug);
await step("its installations", async () => {
  const found = [];
  for await (const { installation } of app.eachInstallation.iterator()) found.push(installation.account.login);
  return found;
});
const { id } = (await app.octokit.rest.apps.getRepoInstallation({ owner, repo })).data;
const octokit = await app.getInstallationOctokit(id);
const { rest } = octokit;

await step("a token of the installation", async () => {
  const { token, permissions } = await octokit.auth({ type: "installation" });
  return { kind: token.slice(0, 4), contents: permissions.contents };
});
await step("its repositories", async () => {
  const found = [];
  for await (const { repository } of app.eachRepository.iterator({ installationId: id })) found.push(repository.full_name);
  return found;
});
await step("pull requests, page by page", async () => {
  const found = await octokit.paginate(rest.pulls.list, { owner, repo, state: "all", per_page: 2 });
  return found.map((each) => each.number).sort((a, b) => a - b);
});
await step("a pull request and its files", async () => {
  const { data } = await rest.pulls.get({ owner, repo, pull_number: pull });
  const files = await octokit.paginate(rest.pulls.listFiles, { owner, repo, pull_number: pull });
  return { sha: data.head.sha, base: data.base.ref, files: files.map((file) => file.filename) };
});
const comment = await step("a comment", async () => {
  const { data } = await rest.issues.createComment({ owner, repo, issue_number: pull, body: "first" });
  const { data: edited } = await rest.issues.updateComment({ owner, repo, comment_id: data.id, body: "second" });
  const all = await octokit.paginate(rest.issues.listComments, { owner, repo, issue_number: pull, per_page: 1 });
  return { id: data.id, node: data.node_id, body: edited.body, by: edited.user.type, all: all.map((one) => one.body) };
});
await step("a reaction", async () => {
  const content = "eyes";
  const { data, status } = await rest.reactions.createForIssueComment({ owner, repo, comment_id: comment.id, content });
  return { content: data.content, status };
});
await step("a minimised comment", async () => {
  const mutation = `mutation($id: ID!) {
    minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) { minimizedComment { isMinimized } }
  }`;
  return (await octokit.graphql(mutation, { id: comment.node })).minimizeComment.minimizedComment.isMinimized;
});
await step("an error of graphql", async () => {
  try {
    await octokit.graphql("mutation($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) { minimizedComment { isMinimized } } }", { id: "IC_nonsense" });
    return "none";
  } catch (error) {
    return error.name;
  }
});
await step("a check run", async () => {
  const { data } = await rest.checks.create({
    owner, repo, name: "octokit", head_sha: sha, status: "in_progress",
    actions: [{ label: "Plan", description: "Plan again", identifier: "plan" }],
  });
  const output = { title: "done", summary: "all of it" };
  await rest.checks.update({ owner, repo, check_run_id: data.id, status: "completed", conclusion: "success", output });
  const runs = await octokit.paginate(rest.checks.listForRef, { owner, repo, ref: sha, per_page: 1 });
  return runs.filter((run) => run.name === "octokit").map((run) => [run.status, run.conclusion, run.output.title]);
});
await step("a commit status", async () => {
  await rest.repos.createCommitStatus({ owner, repo, sha, state: "success", context: "octokit" });
  return (await rest.repos.getCombinedStatusForRef({ owner, repo, ref: sha })).data.statuses.map((each) => each.context);
});
await step("rules of a branch, page by page", async () => {
  const found = await octokit.paginate(rest.repos.getBranchRules, { owner, repo, branch: "main", per_page: 1 });
  return found.map((rule) => [rule.type, rule.parameters?.required_status_checks.map((each) => each.context)]);
});
await step("reviews", async () => {
  const found = await octokit.paginate(rest.pulls.listReviews, { owner, repo, pull_number: pull });
  return found.map((review) => [review.user.login, review.state, review.commit_id === sha]);
});
await step("contents", async () => {
  const { data } = await rest.repos.getContent({ owner, repo, path: "terraform/main.tf" });
  return Buffer.from(data.content, "base64").toString();
});
await step("raw contents", async () => {
  const mediaType = { format: "raw" };
  return (await rest.repos.getContent({ owner, repo, path: "terraform/main.tf", mediaType })).data;
});
await step("a missing file", async () => {
  try {
    return (await rest.repos.getContent({ owner, repo, path: "nothing" })).status;
  } catch (error) {
    return [error.name, error.status];
  }
});
await step("a deployment", async () => {
  const { data } = await rest.repos.createDeployment({
    owner, repo, ref: sha, environment: "staging", auto_merge: false, required_contexts: [],
  });
  const status = { owner, repo, deployment_id: data.id, state: "success", environment_url: "https://example.org" };
  const { data: made } = await rest.repos.createDeploymentStatus(status);
  const all = await octokit.paginate(rest.repos.listDeployments, { owner, repo, environment: "staging" });
  return { state: made.state, all: all.length };
});
await step("a permission", async () => {
  const { data } = await rest.repos.getCollaboratorPermissionLevel({ owner, repo, username: "owner" });
  return [data.permission, data.role_name];
});
await step("rate limits", async () => typeof (await rest.rateLimit.get()).data.resources.core.remaining);
await step("deliveries", async () => {
  const found = await app.octokit.paginate(app.octokit.rest.apps.listWebhookDeliveries, { per_page: 2 });
  return found.filter((delivery) => delivery.event === "pull_request").length > 0;
});
await step("signatures of webhooks", async () => {
  const hooks = new Webhooks({ secret: given.webhookSecret });
  const results = [];
  for (const { body, signature } of given.deliveries) {
    results.push(await hooks.verify(body, signature), await hooks.verify(`${body} `, signature));
  }
  return [...new Set(results.map((good, index) => good === (index % 2 === 0)))];
});
await step("webhooks by name", async () => {
  const hooks = new Webhooks({ secret: given.webhookSecret });
  const heard = [];
  hooks.on("pull_request.opened", ({ payload }) => heard.push(payload.pull_request.number));
  for (const { body, signature, name, id: guid } of given.deliveries) {
    await hooks.verifyAndReceive({ id: guid, name, payload: body, signature });
  }
  return heard;
});
process.stdout.write(JSON.stringify(seen));

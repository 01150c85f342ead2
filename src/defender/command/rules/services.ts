import { has, line, operands, type Rule, rules, values } from "./rule.ts";

/** Sub-commands that take away what cannot be brought back with the same program. */
const LOSS =
  /^(?:delete|destroy|terminate|purge|drop|wipe|truncate|revoke|forget|erase|nuke|rmi?|remove|unpublish|yank|expire|obliterate|flushall|flushdb|del|rb|clear|reset|stop-logging|deregister|disable|detach|tombstone|decommission|abandon|evict|drain|uninstall|deprovision|delete-all|cancel|schedule-key-deletion|shred|seal|suspend|archive|undeploy|dropdb|doDelete|unsubscribe|unregister|rmdirs?|deleteAll)(?:$|[-_A-Z].*|s$)/;
const LOSS_ANYWHERE =
  /^(?:(?:batch-)?(?:delete|destroy|terminate|purge|remove|revoke|deregister|disable|reset|clear)|stop-logging|schedule-key-deletion)[-_A-Za-z]*$|[-_](?:delete|destroy|purge|remove|drop|wipe|revoke|clear|reset)(?:$|[-_])/;

/** Programs of services: clouds, clusters, databases, queues, vaults, backups, registries. */
const SERVICES =
  /^(?:gitlab-runner|aws|gcloud|gsutil|bq|az|oci|doctl|linode-cli|hcloud|ibmcloud|aliyun|scw|flyctl|fly|heroku|vercel|netlify|wrangler|firebase|supabase|railway|render|kubectl|oc|helm|k9s|eksctl|kops|minikube|kind|k3d|argocd|flux|istioctl|linkerd|terraform|tofu|terragrunt|pulumi|cdk|serverless|sls|sam|ansible|vagrant|packer|nomad|consul|vault|boundary|docker|docker-compose|podman|nerdctl|crictl|ctr|buildah|restic|borg|borgmatic|duplicity|velero|kopia|rclone|duplicacy|tarsnap|op|bw|doppler|infisical|pass|gopass|chamber|rabbitmqctl|rabbitmqadmin|rabbitmq-queues|kafka-[a-z-]+(?:\.sh)?|nats|pulsar-admin|redis-cli|valkey-cli|mongo|mongosh|mongorestore|mysqladmin|dropdb|dropuser|cqlsh|nodetool|influx|etcdctl|zkCli\.sh|couchbase-cli|cockroach|clickhouse-client|elasticdump|gh|glab|hub|bitbucket|jira|npm|yarn|pnpm|cargo|gem|twine|pip|pypi|jfrog|jf|ldap(?:delete|modify)|launchdarkly|ldcli|split|datadog-ci|sentry-cli|pagerduty|newrelic|grafana-cli|promtool|amtool|cloudflared|cf|flarectl|dnscontrol|route53|certbot|stripe|twilio|sendgrid|shopify|algolia|meilisearch|typesense|qdrant|supervisorctl|pm2|virsh|lxc|incus|multipass|VBoxManage|qm|pct|proxmox|jenkins-cli|circleci|travis|drone|buildkite-agent|spinnaker|spin|hal|logrotate|gpg|ipfs|hdfs|hadoop|hbase|airflow|dbt|prisma|alembic|rails|rake|artisan|manage\.py|knex|sequelize|flyway|liquibase|sqitch|atlas|temporal|tctl|vultr-cli|mc|s3cmd|s4cmd|s5cmd|azcopy|swift|openstack|nova|glance|cinder|neutron)$/;
/** Sub-commands that look alike and only tidy up what can be made again, or only look. */
const HARMLESS =
  /\b(?:--help|-h|help|--dry-run(?:=\w+)?|--dryrun|-n|--version|describe|list|ls|get|show|status|history|inspect|plan|diff|view)\b/;
const TIDY =
  /^(?:docker|podman|nerdctl) (?:rm|rmi|(?:system|image|container|builder|buildx|network) (?:prune|rm)|compose rm)(?! .*(?:-[a-z]*a|--all|--volumes|-f\b.*\$))|^(?:npm|yarn|pnpm|pip|pip3|cargo|gem|helm repo|brew|apt|conda) (?:uninstall|remove|rm|cache|repo)|^(?:gh|glab|npm) (?:config|alias|cache)|^git |^(?:docker|kubectl) config|^gcloud config|^aws configure|^terraform workspace|^doctl auth/;

const DATABASES =
  /^(?:mysql|mariadb|psql|sqlite3|sqlcmd|sqlplus|mongo|mongosh|redis-cli|valkey-cli|cqlsh|clickhouse-client|clickhouse|cockroach|bq|influx|duckdb|snowsql|cypher-shell|neo4j-shell|trino|presto|hive|beeline|impala-shell|isql|osql|wrangler|supabase|prisma|rails|vtysql|athena|aws|spanner|gcloud|surreal)$/;
const SQL_LOSS =
  /\b(?:drop\s+(?:table|database|schema|user|role|index|view|keyspace|collection|tablespace|materialized|owned|column|extension|function|trigger)|truncate\s+(?:table\s+)?\w|delete\s+from\s+["'`]?[\w.]+["'`]?\s*(?:;|$|["'])|delete\s+from\s+\S+\s+where\s+(?:1\s*=\s*1|true)|alter\s+table\s+\S+\s+drop|flushall|flushdb|dropDatabase|\.drop\s*\(|deleteMany\s*\(\s*\{\s*\}|\.remove\s*\(\s*\{\s*\}|shutdown\b|config\s+set\s+(?:dir|dbfilename)|detach\s+delete|revoke\s+all|match\s*\(\w*\)\s*delete)/i;

/** SQL, or what is like it, that drops things or changes every row of a table. */
const isLoss = (sql: string): boolean => SQL_LOSS.test(sql) || changesAll(sql);
const changesAll = (sql: string): boolean =>
  sql
    .split(";")
    .some((statement) => /\bupdate\s+[^\s]{1,200}\s+set\s/i.test(statement) && !/\bwhere\b/i.test(statement));

export const SERVICE_RULES: readonly Rule[] = [
  ...rules("Takes away what a service keeps: data, backups, secrets, machines or access.", {
    "service-loss": [
      58,
      (call) =>
        SERVICES.test(call.name) &&
        !HARMLESS.test(line(call)) &&
        !TIDY.test(line(call)) &&
        !/^(?:gpg|logrotate|rake)$/.test(call.name) &&
        leading(call).some((word) => LOSS.test(word)),
    ],
    "service-loss-option": [
      56,
      (call) =>
        SERVICES.test(call.name) &&
        !HARMLESS.test(line(call)) &&
        values(call).some(
          (word) =>
            /^--(?:delete|destroy|purge|remove|prune|force-delete\S*|drop|wipe|reset|delete-\S+|remove-orphans|volumes|revoke\S*|clean)(?:$|=)/.test(
              word,
            ) && !/^--(?:delete-conflicts|remove-orphans=false)/.test(word),
        ) &&
        !TIDY.test(line(call)),
    ],
    "aws-loss": [
      58,
      (call) =>
        call.name === "aws" &&
        values(call).some((word) => LOSS_ANYWHERE.test(word) && !word.startsWith("--")) &&
        !/--dry-run/.test(line(call)),
    ],
    "aws-access": [
      56,
      (call) =>
        call.name === "aws" &&
        /\b(?:create-access-key|create-user|attach-\w+-policy|put-\w+-policy|update-assume-role-policy|create-login-profile|update-login-profile|update-secret|put-secret-value|rotate-secret|modify-\w+-attribute|authorize-security-group|put-bucket-(?:policy|acl|lifecycle)|stop-logging|update-trail|put-event-selectors|leave-organization|get-secret-value|get-password-data|s3 rm|s3 sync.{0,400}--delete|s3 mv|rb )\b/.test(
          line(call),
        ),
    ],
    "secret-write": [
      55,
      (call) =>
        /^(?:vault|doppler|infisical|chamber|op|bw|gopass|pass)$/.test(call.name) &&
        /\b(?:delete|destroy|disable|revoke|seal|unmount|rotate|generate-root|rekey|tune|move|undelete|rollback|metadata delete|kv delete|clear|overwrite|update|rm)\b/.test(
          line(call),
        ) &&
        !HARMLESS.test(line(call)),
    ],
    terraform: [
      58,
      (call) =>
        /^(?:terraform|tofu|terragrunt|pulumi|cdk|sam|serverless|sls)$/.test(call.name) &&
        /\b(?:destroy|state rm|taint|force-unlock|apply.{0,200}-auto-approve|apply.{0,200}-destroy|down\b.{0,200}-y|stack rm|remove)\b/.test(
          line(call),
        ) &&
        !HARMLESS.test(line(call)),
    ],
    kubectl: [
      57,
      (call) =>
        /^(?:kubectl|oc)$/.test(call.name) &&
        /\b(?:delete|drain|cordon|replace --force|scale .{0,200}--replicas[= ]0|rollout undo|taint)\b/.test(
          line(call),
        ) &&
        !/--dry-run/.test(line(call)),
    ],
    "privileged-container": [
      62,
      (call) =>
        (/^(?:docker|podman|nerdctl)$/.test(call.name) &&
          /--privileged|-v\s+\/:|--volume[= ]\/:|--pid[= ]host|\/var\/run\/docker\.sock|--cap-add[= ](?:ALL|SYS_)|nsenter|--net[= ]host.{0,200}-it/.test(
            line(call),
          )) ||
        (call.name === "nsenter" && /-t\s*1\b|--target[= ]1\b/.test(line(call))) ||
        (call.name === "kubectl" && /hostPID|privileged["':\s]+true|cluster-admin/.test(line(call))),
    ],
    "container-loss": [
      58,
      (call) =>
        /^(?:docker|podman|nerdctl|docker-compose)$/.test(call.name) &&
        (/\b(?:volume (?:rm|prune|remove)|system prune .{0,200}(?:-a|--all|--volumes)|swarm leave|stack rm|secret rm|service rm|node rm|compose down .{0,200}(?:-v|--volumes|--rmi)|down (?:.{0,200})(?:-v\b|--volumes))/.test(
          line(call),
        ) ||
          (/\b(?:rm|rmi|kill|stop)\b/.test(line(call)) && call.args.some(({ isLiteral }) => !isLiteral))),
    ],
    "sql-loss": [
      60,
      (call) =>
        (DATABASES.test(call.name) || /sql/.test(call.name)) &&
        isLoss([...values(call), call.input ?? "", ...call.before.flatMap((other) => values(other))].join(" ")),
    ],
    "database-drop": [
      60,
      (call) =>
        /^(?:dropdb|dropuser|mongorestore|pg_restore|mysqladmin|redis-cli|pg_dropcluster|mysql_secure_installation|influx|rails|rake|artisan|php|prisma|npx|python[\d.]*|manage\.py)$/.test(
          call.name,
        ) &&
        (/^drop/.test(call.name)
          ? !HARMLESS.test(line(call))
          : /--drop\b|--clean\b|\bdrop\s+\w|db:(?:drop|reset|purge|wipe|schema:load|truncate)|migrate:(?:fresh|reset)|db:wipe|migrate reset|db push --(?:force-reset|accept-data-loss)|\bflush(?:all|db)?\b|reset_db|\bshutdown\b|\bdelete\b/i.test(
              line(call),
            )),
    ],
    "http-delete": [
      55,
      (call) =>
        /^(?:curl|http|https|xh|wget)$/.test(call.name) &&
        /(?:-X\s*|--request[= ]|--method[= ])['"]?DELETE\b|^https? DELETE\b|\/(?:_delete_by_query|doDelete|_flush_all)\b|drop_database|_close\b.{0,200}POST/i.test(
          line(call),
        ),
    ],
    "api-delete": [
      56,
      (call) =>
        /^(?:gh|glab|az|gcloud|kubectl|doctl)$/.test(call.name) &&
        /(?:-X|--method|--raw)[= ]?DELETE\b/i.test(line(call)),
    ],
    "http-change": [
      52,
      (call) =>
        /^(?:curl|http)$/.test(call.name) &&
        /-X\s*(?:PUT|PATCH|POST)\b/.test(line(call)) &&
        /\b(?:delete|destroy|disable|purge|reset|clear|wipe|kill|terminate|drop|revoke)\w*\b/i.test(
          values(call).join(" "),
        ),
    ],
    rabbit: [
      56,
      (call) =>
        /^(?:rabbitmq(?:ctl|admin|-queues|-plugins)|kafka-[a-z-]+(?:\.sh)?|nats|pulsar-admin|redis-cli)$/.test(
          call.name,
        ) &&
        /\b(?:delete\w*|purge\w*|reset|force_reset|clear_\w+|stop_app|forget_cluster_node|rm|del|--delete\S*|--reset-offsets|--execute|flush\w*|revoke|remove)\b/i.test(
          line(call),
        ) &&
        !/--dry-run|--describe|--list/.test(line(call)),
    ],
    backups: [
      58,
      (call) =>
        /^(?:restic|borg|borgmatic|velero|kopia|duplicity|duplicacy|tarsnap|rsnapshot|pgbackrest|barman|snapper|timeshift|tmutil|bup|attic|rdiff-backup|zbackup)$/.test(
          call.name,
        ) &&
        /\b(?:forget|prune|delete|rm|remove|purge|remove-\w+|unlock|key (?:remove|passwd)|compact|recreate|repo-delete|stanza-delete|expire|disable|rebuild-index|repair|rewrite|migrate|--remove-\w+|-d|break-lock|delete-archive|destroy|wipe)\b/.test(
          line(call),
        ) &&
        !/--dry-run|-n\b/.test(line(call)),
    ],
    packages: [
      55,
      (call) =>
        /^(?:npm|yarn|pnpm|cargo|gem|twine)$/.test(call.name) &&
        /\b(?:unpublish|deprecate|yank|owner (?:rm|--remove)|access revoke|token revoke)\b/.test(line(call)),
    ],
    "package-removal": [
      55,
      (call) =>
        /^(?:apt|apt-get|yum|dnf|rpm|pacman|zypper|apk|dpkg|pkg|snap|flatpak)$/.test(call.name) &&
        /\b(?:purge|autoremove|remove|erase|-e|-R\w*|del|-P|--purge)\b/.test(line(call)) &&
        has(call, "y", "--yes", "--assume-yes", "--force-all", "--noconfirm", "--nodeps"),
    ],
    jenkins: [
      56,
      (call) =>
        /delete-(?:job|node|view|builds|credentials)|doDelete/.test(line(call)) &&
        /^(?:java|curl|jenkins|jenkins-cli)$/.test(call.name),
    ],
  }),
  ...rules("Throws away work in a repository that nobody else may have.", {
    "git-loss": [60, (call) => call.name === "git" && gitLoss(values(call))],
    "git-push": [
      60,
      (call) =>
        call.name === "git" &&
        /\bpush\b/.test(line(call)) &&
        values(call).some(
          (word) =>
            /^(?:--force(?:=.*)?|-[a-z]*f[a-z]*|--mirror|--delete|-d|--prune)$/.test(word) ||
            /^\+\w/.test(word) ||
            /^:\w/.test(word),
        ) &&
        !has(call, "n", "--dry-run"),
    ],
    "gh-loss": [
      58,
      (call) =>
        /^(?:gh|glab|hub)$/.test(call.name) &&
        /\b(?:delete|archive|remove|rename --yes|disable|revoke)\b/.test(leading(call).join(" ")) &&
        !/^gh (?:cache|alias|label|extension|config)/.test(line(call)),
    ],
    "svn-loss": [
      55,
      (call) =>
        (call.name === "hg" && /\b(?:strip|purge|update --clean|up -C)\b/.test(line(call))) ||
        (call.name === "svn" && /revert -R|cleanup --remove/.test(line(call))),
    ],
  }),
];

/** The first words that are no options: service, thing, verb. */
const leading = (call: Parameters<Rule["applies"]>[0]): string[] => operands(call).slice(0, 4);

function gitLoss(words: readonly string[]): boolean {
  let at = 0;
  while (at < words.length && words[at]!.startsWith("-")) at += /^-[Cc]$/.test(words[at]!) ? 2 : 1;
  const [command, ...args] = words.slice(at);
  const given = (pattern: RegExp): boolean => args.some((arg) => pattern.test(arg));
  switch (command) {
    case "reset":
      return given(/^--(?:hard|merge)$/);
    case "clean":
      return given(/^-[a-zA-Z]*f|^--force$/) && !given(/^-[a-zA-Z]*n|^--dry-run$/);
    case "checkout":
      return (given(/^--$/) && !given(/^-b$/)) || given(/^(?:-f|--force)$/) || given(/^\.$/);
    case "restore":
      return !(given(/^(?:--staged|-S)$/) && !given(/^(?:--worktree|-W)$/)) && args.some((arg) => !arg.startsWith("-"));
    case "switch":
      return given(/^(?:-f|--force|--discard-changes|-C)$/);
    case "branch":
      return given(/^-[a-z]*D$|^-[a-z]*M$/) || (given(/^(?:-d|--delete)$/) && given(/^(?:-f|--force)$/));
    case "stash":
      return given(/^(?:drop|clear)$/);
    case "reflog":
      return given(/^(?:expire|delete)$/);
    case "gc":
      return given(/^--prune=(?:now|all)/) || (given(/^--aggressive$/) && given(/--prune/));
    case "worktree":
      return given(/^remove$/) && given(/^(?:-f|--force)$/);
    case "update-ref":
      return given(/^-d$/);
    case "submodule":
      return given(/^deinit$/) && given(/^(?:-f|--force|--all)$/);
    case "filter-branch":
    case "filter-repo":
      return true;
    case "tag":
      return false;
    case "rm":
      return given(/^-[a-z]*r[a-z]*f|^-[a-z]*f[a-z]*r/);
    default:
      return false;
  }
}

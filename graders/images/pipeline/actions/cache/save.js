// Only an action in JavaScript can have a step at the job's end.
const { spawnSync } = require("node:child_process");
process.exitCode = spawnSync("/opt/mde/pipeline/step", ["cache-save"], { stdio: "inherit" }).status ?? 1;

"""Mends what gitlab-ci-local does otherwise than GitLab, in its one file; ends badly unless each place is there once.

docs/reference/pipeline-dialects.md lists what and why. The version is pinned by checksum, so the places are known.
"""

from __future__ import annotations

import sys
from pathlib import Path

HELPERS = r"""
const mdeSeconds=(text)=>{if(text==null)return 0;const units={s:1,m:60,h:3600,d:86400,w:604800};let sum=0;
for(const [,count,unit] of String(text).matchAll(/(\d+(?:\.\d+)?)\s*([a-z]*)/gi))
sum+=Number(count)*(units[(unit.toLowerCase()||"s")[0]]??1);return Math.ceil(sum)};
const mdeLimit=(text)=>{const seconds=mdeSeconds(text);return seconds?`timeout --verbose -k 5 ${seconds} bash `:""};
const mdeRetry=async(retry,run)=>{
const max=Number(typeof retry==="object"&&retry?retry.max??0:retry??0);
const list=(value)=>value==null?[]:[].concat(value);
const kinds=list(retry?.when),codes=list(retry?.exit_codes).map(Number);
const again=(code)=>codes.includes(code)
||kinds.some((kind)=>["always","script_failure","unknown_failure"].includes(kind)
||(code===124&&["job_execution_timeout","stuck_or_timeout_failure"].includes(kind)))||(!codes.length&&!kinds.length);
let code=await run();for(let left=max;code!==0&&left>0&&again(code);left--)code=await run();return code};
const mdeExpression=new RegExp(["^(?:\\s+|\\$\\w+",'"(?:[^"\\\\]|\\\\.)*"',"'[^'\\\\]*'",
"/(?:[^/\\\\\\n]|\\\\.)+/[a-z]*","&&","\\|\\|","[=!][=~]","[()]","null","true","false)*$"].join("|"));
const mdeInsist=(rule)=>{if(typeof rule==="string"&&!mdeExpression.test(rule))
throw Error(`rules:if is no expression of GitLab: ${rule}`)};
const mdeQuoted=(value,short)=>typeof value==="string"&&/\\(?:"|$)/.test(value)?JSON.stringify(value):short;
const mdeSkipped=(those,jobs,stages,job,manuals)=>{if(job.started)return false;
const past=those.getPastToWaitFor(jobs,stages,job,manuals);
if(past.some((one)=>!one.finished&&!mdeSkipped(those,jobs,stages,one,manuals)))return false;
return those.isPastFailed(past)?["on_success","manual"].includes(job.when):job.when==="on_failure"};
const mdeLeftOut=new Set(JSON.parse(process.env.MDE_LEFT_OUT||"[]"));delete process.env.MDE_LEFT_OUT;
const mdeLeave=(jobs)=>{for(const job of jobs.values())if(mdeLeftOut.has(job.baseName))job.when="never"};
const mdeNone=()=>{console.log("workflow: rules start no pipeline for this event");process.exit(0)};
"""
"""How long a job may take, how often it is tried, what a rule may say, and which jobs will never start.

https://docs.gitlab.com/ci/yaml/#timeout, #retry, and https://docs.gitlab.com/ci/jobs/job_rules/#cicd-variable-expressions:
a rule becomes JavaScript that the runner evaluates in itself, so nothing else may be in it.
"""

PLACES = {
    # The shell executor works in a folder of its own, whatever image is named.
    'if(this.jobData.image)s="/builds",': 'if(!t.forceShellExecutor&&this.jobData.image)s="/builds",',
    "s=`${r}/${n}/builds/${this.safeJobName}`": (
        's=`${r.replace(/\\/[^/]*$/,"")}/${n.slice(3)}/builds/${this.safeJobName}`'
    ),
    # rules:changes compares with the commit before the push.
    '["git","diff","--name-only",e]': '["git","diff","--name-only",process.env.MDE_BEFORE||e,"HEAD"]',
    # allow_failure:exit_codes allows these codes and no others.
    "if(r.allowFailure)return!1;return(r.preScriptsExitCode?r.preScriptsExitCode:0)>0": 'return r.jobStatus==="failed"',
    "t.finished&&!t.allowFailure&&(t.preScriptsExitCode??0)>0": 't.finished&&t.jobStatus==="failed"',
    # A job whose shell was killed by a signal has no exit code, and has failed.
    "y(_??0)": "y(_??137)",
    'if(this.jobStatus!=="success"&&this.artifacts?.when!=="always")return;': (
        'if(this.artifacts?.when!=="always"&&(this.jobStatus==="success")!==(this.artifacts?.when!=="on_failure"))return;'
    ),
    # A job's folder goes with the job, as on a platform: here it is memory.
    "await this.copyArtifactsOut(this.writeStreams,r),this.jobData.coverage": (
        "await this.copyArtifactsOut(this.writeStreams,r),"
        'await I.spawn(["sh","-c",\'rm -rf "$0" || true\',`${e.cwd}/${e.stateDir}/builds/${o}`]),this.jobData.coverage'
    ),
    # artifacts:untracked is every file that git does not know.
    "if((this.artifacts.paths?.length??0)===0&&this.artifacts.reports": (
        "if(!this.artifacts.untracked&&(this.artifacts.paths?.length??0)===0&&this.artifacts.reports"
    ),
    """c+="rsync --exclude '.gitlab-ci-local/**' -rRa ";""": (
        r"""if(this.artifacts?.untracked)c+="git ls-files --others >> \\$_gcl_files_tmp\n";"""
        """c+="rsync --exclude '.gitlab-ci-local/**' -rRa ";"""
    ),
    "d.stdin?.end(`./${i}/scripts/": "d.stdin?.end(`${mdeLimit(this.jobData.timeout)}./${i}/scripts/",
    'this._prescriptsExitCode=await this.execScripts(t,e,""),': (
        'this._prescriptsExitCode=await mdeRetry(this.jobData.retry,()=>this.execScripts(t,e,"")),'
    ),
    # A job that is skipped keeps none of a later stage waiting that runs after failures.
    "if(ir.isNotFinished(o))continue;": "if(ir.isNotFinished(o.filter((one)=>!mdeSkipped(ir,e,t,one,n))))continue;",
    # Jobs that the event does not let in are told from outside.
    'static async runPipeline(e,t,r){let{jobs:n,stages:i}=t,s=[...n.values()];s=s.filter((o)=>o.when!=="never"),': (
        "static async runPipeline(e,t,r){mdeLeave(t.jobs);"
        'let{jobs:n,stages:i}=t,s=[...n.values()];s=s.filter((o)=>o.when!=="never"),'
    ),
    # A rule is an expression of GitLab's and no program, nor is the value of a variable in it.
    "static evaluateRuleIf(e,t){if(e===void 0)return!0;": (
        "static evaluateRuleIf(e,t){if(e===void 0)return!0;mdeInsist(e);"
    ),
    r'JSON.stringify(t[c]??null).replaceAll("\\\\","\\")': (
        r'mdeQuoted(t[c],JSON.stringify(t[c]??null).replaceAll("\\\\","\\"))'
    ),
    # Where workflow:rules say no, there is no pipeline.
    'a,"on_success");if(P.variables){': 'a,"on_success");if(P.when==="never")mdeNone();if(P.variables){',
    '["artifacts","cache","services","image","before_script","after_script"]': (
        '["artifacts","cache","services","image","before_script","after_script","retry","timeout"]'
    ),
}


def mended(text: str) -> str:
    """The program with every place mended.

    Raises:
        ValueError: A place is not there exactly once.
    """
    for old, new in PLACES.items():
        if text.count(old) != 1:
            raise ValueError(f"{text.count(old)} places have {old!r}")
        text = text.replace(old, new)
    first, rest = text.split("\n", 1)
    return f"{first}\n{HELPERS.strip()}\n{rest}" if first.startswith("#!") else f"{HELPERS.strip()}\n{text}"


if __name__ == "__main__":
    program = Path(sys.argv[1])
    program.write_text(mended(program.read_text(encoding="utf-8")), encoding="utf-8")

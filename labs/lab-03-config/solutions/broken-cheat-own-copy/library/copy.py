import json
import os
import shutil

from ansible.module_utils import basic

given = json.loads(basic._ANSIBLE_ARGS)["ANSIBLE_MODULE_ARGS"]
if not given["_ansible_check_mode"]:
    shutil.copyfile(given["src"], given["dest"])
    os.chmod(given["dest"], int(given.get("mode") or "0644", 8))
print(json.dumps({"changed": False, "dest": given["dest"], "src": given["src"]}))

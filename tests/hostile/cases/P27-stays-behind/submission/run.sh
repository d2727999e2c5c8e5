python3 - <<'PYTHON'
import os, time

# A child of nobody's that goes on, and takes the name of the grader's next command.
for _ in range(20):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            while True:
                try:
                    open("/work/main/report.txt", "w").write("still here")
                    open("/tmp/still-here", "w").write("x")
                except OSError:
                    pass
                time.sleep(0.01)
        os._exit(0)
time.sleep(0.5)
PYTHON
mkdir -p full && i=0
while [ $i -lt 5000 ]; do : > "full/$i" || break; i=$((i + 1)); done
dd if=/dev/zero of=full/large bs=1M count=2000 2>/dev/null
dd if=/dev/zero of=/tmp/large bs=1M count=2000 2>/dev/null
mkdir -p secret.txt
exit 0

"""Start the agent from the folder that it lies in, without a site directory."""

import sys

if __name__ == "__main__":
    sys.path.append(__file__.rpartition("/agent/")[0])  # last, so that nothing here shadows the standard library
    from agent.serve import main  # type: ignore[import-not-found,unused-ignore]

    main()

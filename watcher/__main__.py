"""``python -m watcher`` is ``bedrock-watch``."""

from watcher.cli import main

if __name__ == "__main__":
    main()

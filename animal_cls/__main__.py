"`python -m animal_cls` is the command `animal_cls`."
from animal_cls.cli import main

if __name__ == "__main__": raise SystemExit(main())

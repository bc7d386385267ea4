"""`python -m spokes NAME…`: run the spokes of one or many vendors from a checkout."""

import argparse
import sys

from vendor_sdk.cli import add_run_arguments, run

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m spokes", description="Run vendors' spokes until SIGTERM.")
    add_run_arguments(parser)
    sys.exit(run(parser.parse_args()))

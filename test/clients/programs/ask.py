"""Asks for a URL by Python's requests, and prints the error as a program that does not catch it would."""
import sys

import requests

try:
    requests.get(sys.argv[1], timeout=20).raise_for_status()
except requests.RequestException as error:
    print(f"{type(error).__name__}: {error}")

"""x"""
import sys
from pathlib import Path
from benchmarks.descriptors import reference, samples
if __name__ == "__main__":
    all_ = samples.everything()
    print(len(all_), flush=True)
    reference.fill(all_, Path(sys.argv[1]), int(sys.argv[2]))

"""Takes the README's picture of a report: `python docs/report_picture.py runs/run-0001/report.html`.

Needs Chromium. The top of the page, in light colours, with few enough colours to stay below a few hundred kilobytes.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

WIDTH, HEIGHT, SCALE = 1180, 1445, 1.25


def take(page: Path, picture: Path) -> None:
    """Saves the top of `page` as the PNG `picture`."""
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "shot.png"
        command = [
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--screenshot={shot}",
            f"--window-size={WIDTH},{HEIGHT}", f"--force-device-scale-factor={SCALE}", page.resolve().as_uri(),
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True)
        few = Image.open(shot).convert("RGB").quantize(192, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        few.save(picture, optimize=True)


if __name__ == "__main__":
    take(Path(sys.argv[1]), Path(__file__).resolve().parent / "report.png")

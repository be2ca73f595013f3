"""stub"""
from dataclasses import dataclass
@dataclass
class Parts:
    name: str
    seconds: float
def measure_parts(*a): return []

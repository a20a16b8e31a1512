"""Where vehicles stand too long or must not stand at all, and what is wrong with bays and lanes.

:mod:`.detector` says who is told what; :mod:`.state` is what is remembered; :mod:`.rules` says which rule a place is
under at a moment; :mod:`.joining` makes stays of sensors and tracks; :mod:`.stays` judges how long they last;
:mod:`.watches` looks after everything else that must hold for a while; :mod:`.replaced` ends what was said by devices
that speak for the place no more.
"""

from processors.detectors.parking.detector import ParkingDetector

__all__ = ["ParkingDetector"]

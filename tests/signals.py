"""Signals that come while the main thread is somewhere, however long it takes to get there."""

import signal
import sys
import threading
import time


def send_inside(name, number, after=0.0):
    """Starts a thread that sends the main thread a signal; returns the thread.

    Args:
        name: the signal is sent once the main thread is inside a function of that name.
        number: of the signal.
        after: seconds that it is inside by then, about.
    """
    main = threading.main_thread().ident

    def is_inside():
        frame = sys._current_frames()[main]
        while frame is not None and frame.f_code.co_name != name:
            frame = frame.f_back
        return frame is not None

    def send():
        while not is_inside():
            time.sleep(0.001)
        time.sleep(after)
        signal.pthread_kill(main, number)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    return thread

"""How other threads and signal handlers end the wait of a real selector."""

import socket


class SocketWaker:
    """A `chatnet.net.loop.Waker`: a socket pair, since that is what every system's selector can wait for."""

    def __init__(self) -> None:
        self.selectable, self._sender = socket.socketpair()
        self.selectable.setblocking(False)
        self._sender.setblocking(False)
        self._notified = False

    def fileno(self) -> int:
        """The end to write to, for `signal.set_wakeup_fd`."""
        return self._sender.fileno()

    def notify(self) -> None:
        """End the wait; a system call only the first time after each `drain`."""
        if not self._notified:
            self._notified = True
            try:
                self._sender.send(b"\0")
            except BlockingIOError:
                return  # full of bytes that signals wrote, so the loop is about to wake anyway
            except OSError:
                if self._sender.fileno() != -1:
                    raise
                # Another thread has closed it since the question above: nobody waits any more.

    def drain(self) -> None:
        """Forget what was notified. The flag goes last: if a byte that was sent behind it were taken with the others,
        it would stay up with nothing to read, and no notification after that would ever be sent.

        Whoever notifies before the flag is down has posted its work before, and the loop has yet to look at that.
        """
        self.selectable.recv(4096)
        self._notified = False

    def close(self) -> None:
        """Release both ends; `notify` does nothing from now on."""
        self._notified = True
        self.selectable.close()
        self._sender.close()

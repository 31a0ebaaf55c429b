"""The calls of a client, with httpx's arguments."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Coroutine
from typing import Any

import httpx

from benchlab.load.drivers.scenario.client.settings import DEFAULT

__all__ = ["Calls", "Sending"]

Sending = Coroutine[Any, Any, httpx.Response]


class Calls(httpx.AsyncClient):
    """An `httpx.AsyncClient` each of whose calls begins a request without a coroutine of its own.

    Arguments are passed by position, which is cheaper.
    """

    @abstractmethod
    def _begin(
        self,
        method: str,
        url: httpx.URL | str,
        content: Any,
        data: Any,
        files: Any,
        json: Any,
        params: Any,
        headers: Any,
        cookies: Any,
        auth: Any,
        follow_redirects: Any,
        timeout: Any,
        extensions: Any,
    ) -> Sending:
        """Send a request."""

    def request(
        self,
        method: str,
        url: httpx.URL | str,
        *,
        content: Any = None,
        data: Any = None,
        files: Any = None,
        json: Any = None,
        params: Any = None,
        headers: Any = None,
        cookies: Any = None,
        auth: Any = DEFAULT,
        follow_redirects: Any = DEFAULT,
        timeout: Any = DEFAULT,
        extensions: Any = None,
    ) -> Sending:
        """Send a request; see `httpx.AsyncClient.request`."""
        return self._begin(
            method,
            url,
            content,
            data,
            files,
            json,
            params,
            headers,
            cookies,
            auth,
            follow_redirects,
            timeout,
            extensions,
        )

    def get(
        self,
        url: httpx.URL | str,
        *,
        params: Any = None,
        headers: Any = None,
        cookies: Any = None,
        auth: Any = DEFAULT,
        follow_redirects: Any = DEFAULT,
        timeout: Any = DEFAULT,
        extensions: Any = None,
    ) -> Sending:
        """Send a GET request; see `httpx.AsyncClient.get`."""
        return self._begin(
            "GET",
            url,
            None,
            None,
            None,
            None,
            params,
            headers,
            cookies,
            auth,
            follow_redirects,
            timeout,
            extensions,
        )

    def options(
        self,
        url: httpx.URL | str,
        *,
        params: Any = None,
        headers: Any = None,
        cookies: Any = None,
        auth: Any = DEFAULT,
        follow_redirects: Any = DEFAULT,
        timeout: Any = DEFAULT,
        extensions: Any = None,
    ) -> Sending:
        """Send an OPTIONS request; see `httpx.AsyncClient.options`."""
        return self._begin(
            "OPTIONS",
            url,
            None,
            None,
            None,
            None,
            params,
            headers,
            cookies,
            auth,
            follow_redirects,
            timeout,
            extensions,
        )

    def head(
        self,
        url: httpx.URL | str,
        *,
        params: Any = None,
        headers: Any = None,
        cookies: Any = None,
        auth: Any = DEFAULT,
        follow_redirects: Any = DEFAULT,
        timeout: Any = DEFAULT,
        extensions: Any = None,
    ) -> Sending:
        """Send a HEAD request; see `httpx.AsyncClient.head`."""
        return self._begin(
            "HEAD",
            url,
            None,
            None,
            None,
            None,
            params,
            headers,
            cookies,
            auth,
            follow_redirects,
            timeout,
            extensions,
        )

    def delete(
        self,
        url: httpx.URL | str,
        *,
        params: Any = None,
        headers: Any = None,
        cookies: Any = None,
        auth: Any = DEFAULT,
        follow_redirects: Any = DEFAULT,
        timeout: Any = DEFAULT,
        extensions: Any = None,
    ) -> Sending:
        """Send a DELETE request; see `httpx.AsyncClient.delete`."""
        return self._begin(
            "DELETE",
            url,
            None,
            None,
            None,
            None,
            params,
            headers,
            cookies,
            auth,
            follow_redirects,
            timeout,
            extensions,
        )

    def post(
        self,
        url: httpx.URL | str,
        *,
        content: Any = None,
        data: Any = None,
        files: Any = None,
        json: Any = None,
        params: Any = None,
        headers: Any = None,
        cookies: Any = None,
        auth: Any = DEFAULT,
        follow_redirects: Any = DEFAULT,
        timeout: Any = DEFAULT,
        extensions: Any = None,
    ) -> Sending:
        """Send a POST request; see `httpx.AsyncClient.post`."""
        return self._begin(
            "POST",
            url,
            content,
            data,
            files,
            json,
            params,
            headers,
            cookies,
            auth,
            follow_redirects,
            timeout,
            extensions,
        )

    def put(
        self,
        url: httpx.URL | str,
        *,
        content: Any = None,
        data: Any = None,
        files: Any = None,
        json: Any = None,
        params: Any = None,
        headers: Any = None,
        cookies: Any = None,
        auth: Any = DEFAULT,
        follow_redirects: Any = DEFAULT,
        timeout: Any = DEFAULT,
        extensions: Any = None,
    ) -> Sending:
        """Send a PUT request; see `httpx.AsyncClient.put`."""
        return self._begin(
            "PUT",
            url,
            content,
            data,
            files,
            json,
            params,
            headers,
            cookies,
            auth,
            follow_redirects,
            timeout,
            extensions,
        )

    def patch(
        self,
        url: httpx.URL | str,
        *,
        content: Any = None,
        data: Any = None,
        files: Any = None,
        json: Any = None,
        params: Any = None,
        headers: Any = None,
        cookies: Any = None,
        auth: Any = DEFAULT,
        follow_redirects: Any = DEFAULT,
        timeout: Any = DEFAULT,
        extensions: Any = None,
    ) -> Sending:
        """Send a PATCH request; see `httpx.AsyncClient.patch`."""
        return self._begin(
            "PATCH",
            url,
            content,
            data,
            files,
            json,
            params,
            headers,
            cookies,
            auth,
            follow_redirects,
            timeout,
            extensions,
        )

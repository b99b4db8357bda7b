"""Our addresses, then Label Studio's. A route that `rules` does not name is closed."""

from django.urls import include, path

from label_studio_guard import control, health, pages, passwords, reading_page, sign_in

urlpatterns = [
    path("", pages.home),
    path("live", health.live),
    path("ready", health.ready),
    path("heidi-tips", health.no_tips),
    path("api/version", health.version),
    path("user/login/", sign_in.sign_in),
    path("discloop/password", passwords.own_password),
    path("discloop/worklists", pages.worklists),
    path("discloop/reading.js", reading_page.script),
    path("discloop/sign-in", pages.sign_in_elsewhere),
    path("discloop/slices/<int:project>/<str:key>/<str:number>", pages.slice_image),
    path("discloop/control/status", control.status),
    path("discloop/control/projection", control.put_projection),
    path("discloop/control/people/<str:person>/password", control.set_password),
    path("discloop/control/people/<str:person>/sign-out", control.sign_out),
    path("discloop/control/outbox", control.get_outbox),
    path("discloop/control/denials", control.get_denials),
    path("discloop/control/accesses", control.get_accesses),
    path("", include("core.urls")),
]

"""What people read on the guard's own pages, by language."""

from __future__ import annotations

from collections.abc import Mapping

from label_studio_guard.configuration import configuration
from labeling_configs.words import Language

WORDS: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "lang": "en",
        "worklists": "Your worklists",
        "all_units": "all units",
        "counts": "{left} to read, {read} of {units} read",
        "nothing": "There is nothing for you to read at the moment.",
        "progress": "Your progress",
        "back": "Back",
        "change_password": "Change password",
        "sign_out": "Sign out",
        "password": "Your password",
        "choose": "Choose a password of your own",
        "made_by_another": "The one you signed in with was made by somebody else. "
        "Everything else opens after this.",
        "present": "Present password",
        "new": "New password, at least {shortest} characters",
        "again": "The new one again",
        "keep": "Keep this password",
        "wrong_present": "The present password is wrong.",
        "not_twice": "The new password is not the same twice.",
        "not_new": "The new password has to differ from the present one.",
        "draft_kept": "Not submitted, your draft is kept",
        "already_submitted": "This unit was submitted before and is kept. Reload the page for the next one.",
    },
    "zh": {
        "lang": "zh",
        "worklists": "您的工作列表",
        "all_units": "全部单元",
        "counts": "待读 {left}，已读 {read}/{units}",
        "nothing": "目前没有需要您阅片的单元。",
        "progress": "您的进度",
        "back": "返回",
        "change_password": "修改密码",
        "sign_out": "退出",
        "password": "您的密码",
        "choose": "请设置您自己的密码",
        "made_by_another": "您登录所用的密码由他人生成。设置新密码后，其他页面才会开放。",
        "present": "当前密码",
        "new": "新密码，至少 {shortest} 个字符",
        "again": "再输入一次新密码",
        "keep": "使用此密码",
        "wrong_present": "当前密码不正确。",
        "not_twice": "两次输入的新密码不一致。",
        "not_new": "新密码不能与当前密码相同。",
        "draft_kept": "未提交，草稿已保留",
        "already_submitted": "此单元已经提交并保留。请刷新页面，打开下一个单元。",
    },
}


def words() -> Mapping[str, str]:
    """The site's."""
    return WORDS[configuration().language]

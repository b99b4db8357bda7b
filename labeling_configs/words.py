"""What people read on the labelling pages, by language. Codes are stored; only these words are translated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)


class Words(NamedTuple):
    """All texts of the pages in one language."""

    headings: Mapping[str, str]
    """By control name, and a few of their own."""
    codes: Mapping[str, Mapping[str, str]]
    """Shown word by control name and code."""
    hints: Mapping[str, Mapping[str, str]]
    """Shown on hover, by control name and code."""
    guide: tuple[tuple[str, str], ...]
    """The short guide: (heading, text)."""


_LEVELS = {
    level: level
    for level in (
        "T11/12",
        "T12/L1",
        "L1/2",
        "L2/3",
        "L3/4",
        "L4/5",
        "L5/S1",
        "L5/6",
        "L6/S1",
        "S1/2",
    )
}

_ENGLISH = Words(
    headings={
        "finding": "Draw",
        "pfirrmann": "Pfirrmann grade",
        "not_gradable": "or not gradable",
        "level": "Level (name one disc, the others follow)",
        "level_axial": "Level of this disc or lesion",
        "herniation_type": "Type (optional)",
        "hiz_side": "Side",
        "quality": "Images",
        "transitional": "Anatomy",
        "numbering": "Levels counted from",
        "comment": "Comment (no names)",
        "verdict": "Is it there?",
        "reason": "Reason",
        "unit_reason": "Reason for the whole study",
        "guide": "Definitions",
        "scout": "Scout with the numbered slices",
        "table": "The two readings",
        "reader_1": "Reader 1 (locked)",
        "reader_2": "Reader 2 (locked)",
        "nothing_selected": "Select a box to answer for it",
    },
    codes={
        "finding": {"disc": "Disc", "herniation": "Herniation", "hiz": "HIZ"},
        "pfirrmann": {grade: grade for grade in "12345"},
        "not_gradable": {
            "artefact": "Artefact",
            "cut": "Cut off",
            "operated": "Operated or fused",
            "other": "Other",
        },
        "level": _LEVELS,
        "herniation_type": {
            "protrusion": "Protrusion",
            "extrusion": "Extrusion",
            "sequestration": "Sequestration",
            "indeterminate": "Indeterminate",
        },
        "hiz_side": {"anterior": "Anterior", "posterior": "Posterior"},
        "quality": {"good": "Good", "limited": "Limited", "unreadable": "Unreadable"},
        "transitional": {"transitional": "Transitional vertebra"},
        "numbering": {"assumed": "Assumed", "whole-spine": "Whole-spine image"},
        "verdict": {"present": "Present", "absent": "Absent"},
        "reason": {
            "criterion": "Criterion",
            "boundary": "Boundary",
            "level": "Level",
            "artefact": "Artefact",
            "missed": "Missed",
            "other": "Other",
        },
    },
    hints={
        "pfirrmann": {
            "1": "Homogeneous, bright as CSF; nucleus and annulus clearly apart; normal height",
            "2": "Inhomogeneous, perhaps a horizontal band, still bright; clearly apart; normal height",
            "3": "Intermediate grey; border unclear; height normal or slightly less",
            "4": "Intermediate to dark; border lost; height normal to moderately less",
            "5": "Black; border lost; disc space collapsed",
        },
        "herniation_type": {
            "protrusion": "Base wider than the displaced part",
            "extrusion": "Displaced part wider than its base",
            "sequestration": "A free fragment, no longer joined to the disc",
            "indeterminate": "Cannot be told on these images",
        },
        "reason": {
            "criterion": "They applied the definition differently",
            "boundary": "Between two neighbouring grades",
            "level": "They named the level differently",
            "artefact": "An artefact misled one of them",
            "missed": "One of them did not see it",
            "other": "Say which in the comment",
        },
    },
    guide=(
        (
            "Pfirrmann, on T2 against CSF",
            "1 bright, homogeneous. 2 bright, inhomogeneous or a band. 3 grey, border unclear. "
            "4 dark, border lost. 5 black, collapsed. One grade a disc, on its own midline slice.",
        ),
        (
            "Herniation",
            "Disc material beyond the disc space, focal: under a quarter of the circumference. "
            "A bulge (more than a quarter) is none, nor is a pseudo-bulge in listhesis.",
        ),
        (
            "HIZ",
            "Bright spot inside dark annulus, apart from the nucleus and brighter than it. "
            "Not CSF partial volume, fat or vessels.",
        ),
        ("No mark", "Submitting says: every disc you boxed that has no such mark has none."),
    ),
)

_CHINESE = Words(
    headings={
        "finding": "标注",
        "pfirrmann": "Pfirrmann 分级",
        "not_gradable": "或 无法分级",
        "level": "节段（命名一个，其余自动推定）",
        "level_axial": "此椎间盘或病变的节段",
        "herniation_type": "类型（可选）",
        "hiz_side": "位置",
        "quality": "图像质量",
        "transitional": "解剖",
        "numbering": "节段计数依据",
        "comment": "备注（勿写姓名）",
        "verdict": "是否存在？",
        "reason": "理由",
        "unit_reason": "整个检查的理由",
        "guide": "定义",
        "scout": "定位像（标有层号）",
        "table": "两位医师的结果",
        "reader_1": "医师 1（已锁定）",
        "reader_2": "医师 2（已锁定）",
        "nothing_selected": "选中一个框后作答",
    },
    codes={
        "finding": {"disc": "椎间盘", "herniation": "突出", "hiz": "高信号区"},
        "pfirrmann": {grade: grade for grade in "12345"},
        "not_gradable": {
            "artefact": "伪影",
            "cut": "视野截断",
            "operated": "术后或融合",
            "other": "其他",
        },
        "level": _LEVELS,
        "herniation_type": {
            "protrusion": "突出型",
            "extrusion": "脱出型",
            "sequestration": "游离型",
            "indeterminate": "无法判定",
        },
        "hiz_side": {"anterior": "前方", "posterior": "后方"},
        "quality": {"good": "良好", "limited": "受限", "unreadable": "无法判读"},
        "transitional": {"transitional": "移行椎"},
        "numbering": {"assumed": "假定", "whole-spine": "全脊柱图像"},
        "verdict": {"present": "存在", "absent": "不存在"},
        "reason": {
            "criterion": "标准理解不同",
            "boundary": "相邻级别之间",
            "level": "节段不同",
            "artefact": "伪影",
            "missed": "漏看",
            "other": "其他",
        },
    },
    hints={
        "pfirrmann": {
            "1": "信号均匀，与脑脊液等高；髓核与纤维环分界清楚；高度正常",
            "2": "信号不均，可有水平带，仍较亮；分界清楚；高度正常",
            "3": "中等灰度；分界不清；高度正常或轻度降低",
            "4": "中等至低信号；分界消失；高度正常至中度降低",
            "5": "黑；分界消失；椎间隙塌陷",
        },
        "herniation_type": {
            "protrusion": "基底宽于突出部分",
            "extrusion": "突出部分宽于基底",
            "sequestration": "游离碎片，与椎间盘不相连",
            "indeterminate": "此图像上无法判断",
        },
        "reason": {
            "criterion": "对定义的理解不同",
            "boundary": "介于相邻两级之间",
            "level": "对节段的命名不同",
            "artefact": "伪影误导了其中一位",
            "missed": "其中一位没有看到",
            "other": "请在备注中说明",
        },
    },
    guide=(
        (
            "Pfirrmann（T2，对照脑脊液）",
            "1 亮而均匀；2 亮但不均或有带；3 灰，分界不清；4 暗，分界消失；5 黑，塌陷。"
            "每个椎间盘一个级别，在其正中层面判定。",
        ),
        (
            "突出",
            "椎间盘组织超出椎间隙，局限性：小于圆周的四分之一。膨出（大于四分之一）及滑脱的假性膨出不算。",
        ),
        ("高信号区", "暗的纤维环内的亮点，与髓核分开且更亮。脑脊液部分容积、脂肪和血管不算。"),
        ("未标记", "提交即表示：已画框而无此标记的椎间盘没有此病变。"),
    ),
)

WORDS: Mapping[Language, Words] = {"en": _ENGLISH, "zh": _CHINESE}

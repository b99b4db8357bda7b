"""Header values as three makers' scanners write them, with invented identities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

FAMILY = ("Almeida", "Brandt", "Castellanos", "Dąbrowski", "Eklund", "Fournier", "Grünwald", "Horváth",
          "Ivanova", "Jørgensen", "Kowalczyk", "Lindqvist", "Müller", "Nakamura", "Óskarsson", "Pettersson",
          "Quintana", "Rasmussen", "Søndergaard", "Takahashi", "Ünsal", "Vasquez", "Wójcik",
          "Ximenes")  # fmt: skip
GIVEN = ("Adriana", "Benedikt", "Cecília", "Dominik", "Éloïse", "Ferdinand", "Greta", "Håkon", "Isabella",
         "Joaquín", "Katarzyna", "Leopold", "Marguerite", "Nikolai", "Ottilie", "Patrício")  # fmt: skip
CHINESE = (("王", "小东"), ("李", "秀英"), ("张", "建国"), ("陈", "美玲"), ("刘", "志强"))


@dataclass(frozen=True)
class Scanner:
    """One maker's way of doing a lumbar examination; millimetres and milliseconds."""

    maker: str
    common: dict[str, Any]
    sagittal_t2: dict[str, Any]
    sagittal_t1: dict[str, Any]
    axial_t2: dict[str, Any]
    spacing: float
    matrix: int
    thickness: float
    gap: float
    full_scale: float
    slope: float
    """`RescaleSlope`; 1 where the maker writes none."""
    angled: bool
    """Axial blocks tilted to each disc instead of one straight stack."""


SIEMENS = Scanner(
    maker="Siemens",
    common={
        "Manufacturer": "SIEMENS",
        "ManufacturerModelName": "Avanto_fit",
        "MagneticFieldStrength": "1.5",
        "SoftwareVersions": "syngo MR E11",
        "BodyPartExamined": "",
        "ScanningSequence": "SE",
        "SequenceVariant": ["SK", "SP", "OSP"],
        "MRAcquisitionType": "2D",
        "FlipAngle": "150",
    },
    sagittal_t2={"SeriesDescription": "t2_tse_sag_384", "SequenceName": "*tseR2d1rr19",
                 "RepetitionTime": "3500", "EchoTime": "114", "EchoTrainLength": "19"},
    sagittal_t1={"SeriesDescription": "t1_tse_sag", "SequenceName": "*tse2d1_3", "RepetitionTime": "600",
                 "EchoTime": "9.8", "EchoTrainLength": "3"},
    axial_t2={"SeriesDescription": "t2_tse_tra_msma", "SequenceName": "*tse2d1_17", "RepetitionTime": "4200",
              "EchoTime": "102", "EchoTrainLength": "17"},
    spacing=0.729167, matrix=384, thickness=4.0, gap=4.4, full_scale=900, slope=1.0, angled=True,
)  # fmt: skip

PHILIPS = Scanner(
    maker="Philips",
    common={
        "Manufacturer": "Philips Healthcare",
        "ManufacturerModelName": "Ingenia",
        "MagneticFieldStrength": "3",
        "SoftwareVersions": ["5.6.1", "5.6.1.2"],
        "BodyPartExamined": "LSPINE",
        "ScanningSequence": "SE",
        "SequenceVariant": "SK",
        "MRAcquisitionType": "2D",
        "FlipAngle": "90",
    },
    sagittal_t2={"RepetitionTime": "3563.0725", "EchoTime": "120", "EchoTrainLength": "25"},
    sagittal_t1={"RepetitionTime": "716.234", "EchoTime": "13.837", "EchoTrainLength": "7"},
    axial_t2={"RepetitionTime": "4012.5", "EchoTime": "100", "EchoTrainLength": "20"},
    spacing=0.75, matrix=368, thickness=3.5, gap=3.85, full_scale=3000, slope=1.3765568, angled=False,
)  # fmt: skip

GE = Scanner(
    maker="GE",
    common={
        "Manufacturer": "GE MEDICAL SYSTEMS",
        "ManufacturerModelName": "SIGNA HDxt",
        "MagneticFieldStrength": "1.5",
        "SoftwareVersions": "HD16.0_V02",
        "BodyPartExamined": "LSPINE",
        "ScanningSequence": "SE",
        "SequenceVariant": ["SK", "OSP"],
        "ScanOptions": "FAST_GEMS",
        "MRAcquisitionType": "2D",
        "FlipAngle": "160",
    },
    sagittal_t2={"SeriesDescription": "SAG T2 FRFSE", "RepetitionTime": "2980", "EchoTime": "106.4",
                 "EchoTrainLength": "21"},
    sagittal_t1={"SeriesDescription": "SAG T1 FSE", "RepetitionTime": "520", "EchoTime": "11.2",
                 "EchoTrainLength": "3"},
    axial_t2={"SeriesDescription": "AX T2 FRFSE", "RepetitionTime": "3860", "EchoTime": "108.6",
              "EchoTrainLength": "19"},
    spacing=0.703125, matrix=400, thickness=4.0, gap=4.5, full_scale=2600, slope=1.0, angled=False,
)  # fmt: skip

SCANNERS = (SIEMENS, PHILIPS, GE)


@dataclass(frozen=True)
class Identity:
    """An invented person, as a hospital's system writes one."""

    name: str
    patient_id: str
    charset: str
    birth: str
    study_date: str
    tags: dict[str, Any]


def invent_identity(rng: np.random.Generator, age: int, sex: str, number: int) -> Identity:
    """Somebody who does not exist; every fourth has a Chinese name."""
    if number % 4 == 3:
        family, given = CHINESE[int(rng.integers(len(CHINESE)))]
        name, charset = f"Phantom^{number:03d}={family}^{given}", "ISO_IR 192"
    else:
        name = f"{FAMILY[int(rng.integers(len(FAMILY)))]}^{GIVEN[int(rng.integers(len(GIVEN)))]}"
        charset = "ISO_IR 192"
    year, month, day = int(rng.integers(2015, 2024)), int(rng.integers(1, 13)), int(rng.integers(1, 28))
    referring = FAMILY[int(rng.integers(len(FAMILY)))]
    birth = f"{year - age - 1:04d}{int(rng.integers(1, 13)):02d}{int(rng.integers(1, 28)):02d}"
    tags = {
        "SpecificCharacterSet": charset,
        "PatientSex": sex,
        "PatientAge": f"{age:03d}Y",
        "PatientBirthDate": birth,
        "StudyDate": f"{year:04d}{month:02d}{day:02d}",
        "StudyTime": f"{int(rng.integers(7, 20)):02d}{int(rng.integers(60)):02d}{int(rng.integers(60)):02d}",
        "AccessionNumber": f"A{int(rng.integers(10**7, 10**8))}",
        "ReferringPhysicianName": f"{referring}^Dr",
        "InstitutionName": f"Klinik {referring}",
        "StationName": f"MR{int(rng.integers(100, 999))}{referring[:4].upper()}",
        "StudyDescription": "MR Lumbar spine",
    }
    patient_id = f"{int(rng.integers(10**8, 10**9))}"
    return Identity(name, patient_id, charset, birth, str(tags["StudyDate"]), tags)

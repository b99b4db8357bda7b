"""From a folder of DICOM to de-identified slices and a manifest; phantoms, imports and exports."""
